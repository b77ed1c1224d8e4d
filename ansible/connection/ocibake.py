"""Lets Ansible work in the sandbox of ocibake: everything goes to native/agent, over the socket $OCIBAKE_SOCKET."""

from __future__ import annotations

DOCUMENTATION = """
name: ocibake
short_description: Works on an image that ocibake builds
description: Runs commands and moves files in the sandbox of ocibake. For its step "ansible" alone.
options:
  remote_user:
    description: Who does it, C(user) or C(user:group), of the image.
    default: root
    vars:
      - name: ansible_user
extends_documentation_fragment:
  - connection_pipelining
"""

import os
import socket
import struct
import threading
import time

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.plugins.connection import ConnectionBase

CHUNK = 1 << 16
# Seconds. The sandbox is made while Ansible starts.
PATIENCE = 60


class Connection(ConnectionBase):
    transport = "ocibake"
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def close(self):
        self._connected = False

    def reset(self):
        """Each command has a connection of its own: it has the groups that its user has by then."""

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        out = []
        user = self._become_user() if sudoable else None
        code, err = self._ask("exec", user, cmd, [to_bytes(in_data or b"")], out.append)
        return code, b"".join(out), err

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        try:
            with open(to_bytes(in_path, errors="surrogate_or_strict"), "rb") as source:
                self._transfer("put", out_path, _chunks(source), lambda _: None)
        except OSError as error:
            raise AnsibleError(f"{to_text(in_path)} cannot be read: {error}") from error

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        with open(to_bytes(out_path, errors="surrogate_or_strict"), "wb") as target:
            self._transfer("fetch", in_path, [], target.write)

    def _transfer(self, verb, path, chunks, on_output):
        code, err = self._ask(verb, None, path, chunks, on_output)
        if code:
            raise AnsibleError(f"cannot {verb} {to_text(path)}: {to_text(err).strip()}")

    def _become_user(self):
        """The agent may be anybody, so that no program of the image is needed for it."""
        if self.become is None or self.become.name != "ocibake":
            return None
        return self.become.get_option("become_user")

    def _ask(self, verb, user, argument, chunks, on_output):
        """The exit code, and what was written to standard error."""
        user = user or self.get_option("remote_user")
        fields = [to_bytes(field, errors="surrogate_or_strict") for field in (verb, user, argument)]
        if any(b"\0" in field for field in fields):
            raise AnsibleError("a command, a path or a user holds a NUL byte")
        faults = []
        request = b"\0".join(fields) + b"\0"
        with _connected(os.environ["OCIBAKE_SOCKET"]) as agent:
            # The agent answers while it is being asked.
            asking = threading.Thread(target=_send, args=(agent, request, chunks, faults), daemon=True)
            asking.start()
            try:
                code, err = _receive(agent, on_output)
            except AnsibleConnectionFailure:
                if faults:
                    raise faults[0]
                raise
        asking.join()
        return code, err


def _connected(path):
    """A path may be longer than an address: it is reached through its folder."""
    folder = os.open(os.path.dirname(path), os.O_PATH | os.O_DIRECTORY)
    address = f"/proc/self/fd/{folder}/{os.path.basename(path)}"
    agent = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                agent.connect(address)
                return agent
            except FileNotFoundError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
    except OSError as error:
        agent.close()
        raise AnsibleConnectionFailure(f"the sandbox of ocibake cannot be reached: {error}") from error
    finally:
        os.close(folder)


class _Unreadable(Exception):
    """The cause is why."""


def _chunks(source):
    while True:
        try:
            chunk = source.read(CHUNK)
        except OSError as error:
            raise _Unreadable from error
        if not chunk:
            return
        yield chunk


def _send(agent, head, chunks, faults):
    try:
        agent.sendall(head)
        for chunk in chunks:
            agent.sendall(chunk)
        agent.shutdown(socket.SHUT_WR)
    except _Unreadable as error:
        # The end of the input would be taken for the end of the file.
        faults.append(error.__cause__)
        agent.shutdown(socket.SHUT_RDWR)
    except OSError:
        # A command need not read what it is given. How it ended is said in the other direction.
        pass


def _receive(agent, on_output):
    err = []
    while True:
        kind, size = struct.unpack(">cI", _read(agent, 5))
        if kind in b"oe":
            (on_output if kind == b"o" else err.append)(_read(agent, size))
            continue
        end = to_text(_read(agent, size))
        if kind == b"f":
            raise AnsibleConnectionFailure(end)
        return int(end) + (128 if kind == b"s" else 0), b"".join(err)


def _read(agent, size):
    parts = []
    while size > 0:
        part = agent.recv(min(size, CHUNK))
        if not part:
            raise AnsibleConnectionFailure("the sandbox of ocibake has ended")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
