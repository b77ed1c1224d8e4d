#include "ocibake-sandbox.h"
#include "owners.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_MAX 4294967294ul /* chown(2): 2^32-1 means "leave it" */

static void parse_groups(struct script *script, char *list)
{
    for (char *id = strtok(list, ","); id; id = strtok(NULL, ",")) {
        script->groups = realloc(script->groups, (script->group_count + 1) * sizeof *script->groups);
        if (!script->groups)
            fail(REFUSED, "realloc", "");
        script->groups[script->group_count++] = (gid_t)parse_number(id, ID_MAX);
    }
}

struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"root", required_argument, NULL, 'r'},   {"uid", required_argument, NULL, 'u'},
        {"gid", required_argument, NULL, 'g'},    {"groups", required_argument, NULL, 'G'},
        {"workdir", required_argument, NULL, 'w'}, {"network", required_argument, NULL, 'n'},
        {"hostname", required_argument, NULL, 'h'}, {"listen", required_argument, NULL, 'l'},   {0}};
    struct options options = {.arguments = argv - 1, .hostname = "ocibake", .network = true, .script.workdir = "/",
                              .script.listening = -1};
    for (int option; (option = getopt_long(argc, argv, "+", known, NULL)) != -1;) {
        switch (option) {
        case 'r': options.root = optarg; break;
        case 'u': options.script.uid = parse_number(optarg, ID_MAX); break;
        case 'g': options.script.gid = parse_number(optarg, ID_MAX); break;
        case 'G': parse_groups(&options.script, optarg); break;
        case 'w': options.script.workdir = optarg; break;
        case 'n': options.network = strcmp(optarg, "none") != 0; break;
        case 'h': options.hostname = optarg; break;
        case 'l': options.socket = optarg; break;
        default: _exit(125);
        }
    }
    options.script.argv = argv + optind;
    return options;
}

static struct injected *read_file(struct request *request)
{
    struct injected *file = allocate(sizeof *file);
    file->path = next_field(request);
    file->mode = next_number(request, 07777);
    file->uid = next_number(request, ID_MAX);
    file->gid = next_number(request, ID_MAX);
    file->size = next_number(request, LONG_MAX);
    file->bytes = next_bytes(request, file->size);
    return file;
}

void read_request(struct options *options, int fd)
{
    struct request request = {.fd = fd};
    struct injected **last = &options->files;
    size_t count = 0;
    options->script.env = allocate(sizeof *options->script.env);
    for (char *kind; (kind = next_field(&request)); free(kind)) {
        if (strcmp(kind, "run") == 0)
            return;
        if (strcmp(kind, "env") == 0) {
            options->script.env = realloc(options->script.env, (count + 2) * sizeof *options->script.env);
            if (!options->script.env)
                fail(REFUSED, "realloc", "");
            options->script.env[count++] = next_field(&request);
            options->script.env[count] = NULL;
        } else if (strcmp(kind, "file") == 0) {
            *last = read_file(&request);
            last = &(*last)->next;
        } else if (strcmp(kind, "owner") == 0) {
            if (!options->owners)
                options->owners = new_owners();
            read_owner(options->owners, &request);
        } else if (strcmp(kind, "stdin") == 0) {
            options->script.stdin_size = next_number(&request, LONG_MAX);
            options->script.stdin_bytes = next_bytes(&request, options->script.stdin_size);
        } else
            fail_because(REFUSED, "read", kind, "no such request");
    }
    fail_because(REFUSED, "read", "the request", "it ends too early");
}
