"""Tells ocibake what happened, as lines of JSON in the file $OCIBAKE_EVENTS. People read what Ansible itself prints."""

from __future__ import annotations

DOCUMENTATION = """
name: ocibake
type: notification
short_description: Tells ocibake what failed
description: For the step "ansible" of ocibake alone.
"""

import json
import os

from ansible.plugins.callback import CallbackBase

TEXT_MAX = 4000


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ocibake"
    CALLBACK_NEEDS_ENABLED = False

    def v2_runner_on_failed(self, result, ignore_errors=False):
        if not ignore_errors:
            self._tell("failed", **_described(result))

    def v2_runner_on_unreachable(self, result):
        self._tell("unreachable", **_described(result))

    def v2_runner_on_start(self, host, task):
        self._tell("started", host=host.get_name(), task=task.get_name(), path=task.get_path())

    def v2_playbook_on_play_start(self, play):
        self._tell("play", name=play.get_name())

    def v2_playbook_on_no_hosts_matched(self):
        self._tell("nobody")

    def _tell(self, kind, **fields):
        path = os.environ.get("OCIBAKE_EVENTS")
        if path:
            with open(path, "a", encoding="utf-8") as events:
                events.write(json.dumps({"kind": kind, **fields}) + "\n")


def _described(result):
    task, shown = result._task, _first_failed(result._result)
    described = {"host": result._host.get_name(), "task": task.get_name(), "path": task.get_path()}
    if shown.get("_ansible_no_log", False) or result._result.get("_ansible_no_log", False):
        return described
    texts = {name: shown.get(name) for name in ("msg", "stderr", "stdout", "module_stderr", "module_stdout", "exception")}
    return {**described, **{name: str(text)[-TEXT_MAX:] for name, text in texts.items() if text}}


def _first_failed(result):
    """Of a loop the item that failed, and of gathered facts the module, says why."""
    items, modules = result.get("results"), result.get("failed_modules")
    inner = list(modules.values()) if isinstance(modules, dict) else items if isinstance(items, list) else []
    return next((item for item in inner if isinstance(item, dict) and item.get("failed")), result)
