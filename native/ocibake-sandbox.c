/*
 * ocibake-sandbox: what ocibake cannot do from Node. Its first word says what:
 *
 *   chroot --root DIR [--uid N] [--gid N] [--groups N,N] [--workdir /DIR] [--network host|none] [--hostname NAME]
 *          [--listen SOCKET] -- PROGRAM [ARGUMENT]...
 *       Runs PROGRAM in DIR as `/`, in namespaces of its own (chroot.c). fd 1 and 2 get its output; fd 4 is read for
 *       its environment and files, `run` ends the request, and from then on its end kills everything; fd 3 gets one
 *       line: `exited CODE`, `killed SIGNAL`, `refused WHY` (the kernel does not allow a sandbox) or `unfit WHY`
 *       (the root or the command is not fit). With --listen its fd 0 is a socket that listens at that path of
 *       the caller's; who connects there may be anybody whom the folder lets in.
 *   userns (the same options)
 *       The same for a user who is not root, in a user namespace of one id (userns.c). Among the records that fd 4 is
 *       read for are `owner`s (owners.h), and fd 5 gets those that are true after the run.
 *   probe-chroot --root DIR, probe-userns --root DIR
 *       The same in an empty folder, to see whether it works here.
 *   listen SOCKET PROGRAM [ARGUMENT]...
 *       Becomes PROGRAM, with such a socket as fd 0 (listen.c).
 *   agent FOLDER
 *       In a sandbox: does what clients of the socket that is its fd 0 ask for (agent/agent.c).
 *   lay-out DIR, survey DIR, survey-open DIR, remove DIR, read-xattrs DIR
 *       Many files at once: makes them (lay-out.c), looks at them (survey.c), removes them (remove.c), reads their
 *       extended attributes (attributes.c).
 */
#include "ocibake-sandbox.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "chroot") == 0)
        return chroot_verb(argc - 1, argv + 1, false);
    if (strcmp(verb, "probe-chroot") == 0)
        return chroot_verb(argc - 1, argv + 1, true);
    if (strcmp(verb, "userns") == 0)
        return userns_verb(argc - 1, argv + 1, false);
    if (strcmp(verb, "probe-userns") == 0)
        return userns_verb(argc - 1, argv + 1, true);
    if (argc > 3 && strcmp(verb, "listen") == 0)
        return listen_verb(argv[2], argv + 3);
    if (argc == 3 && strcmp(verb, "agent") == 0)
        return agent_verb(argv[2]);
    if (argc == 3 && strcmp(verb, "lay-out") == 0)
        return lay_out_verb(argv[2]);
    if (argc == 3 && (strcmp(verb, "survey") == 0 || strcmp(verb, "survey-open") == 0))
        return survey_verb(argv[2], strcmp(verb, "survey-open") == 0);
    if (argc == 3 && strcmp(verb, "remove") == 0)
        return remove_verb(argv[2]);
    if (argc == 3 && strcmp(verb, "read-xattrs") == 0)
        return read_xattrs_verb(argv[2]);
    fputs("usage: ocibake-sandbox chroot|userns|probe-chroot|probe-userns|listen|agent|lay-out|survey|survey-open|remove|read-xattrs ...\n", stderr);
    return 2;
}
