"""Becoming another user of the image without sudo: the connection of the same name asks the agent to be that user."""

from __future__ import annotations

DOCUMENTATION = """
name: ocibake
short_description: Becomes a user of an image that ocibake builds
description: Needs no program of the image, and no password. For the step "ansible" of ocibake alone.
options:
  become_user:
    description: Who to become, C(user) or C(user:group), of the image.
    default: root
    keyword:
      - name: become_user
    vars:
      - name: ansible_become_user
    env:
      - name: ANSIBLE_BECOME_USER
    ini:
      - section: privilege_escalation
        key: become_user
  become_exe:
    description: Not used.
    keyword:
      - name: become_exe
    vars:
      - name: ansible_become_exe
  become_flags:
    description: Not used.
    default: ""
    keyword:
      - name: become_flags
    vars:
      - name: ansible_become_flags
  become_pass:
    description: Not used.
    vars:
      - name: ansible_become_password
      - name: ansible_become_pass
"""

from ansible.plugins.become import BecomeBase


class BecomeModule(BecomeBase):
    name = "ocibake"

    def build_become_command(self, cmd, shell):
        super().build_become_command(cmd, shell)
        return cmd
