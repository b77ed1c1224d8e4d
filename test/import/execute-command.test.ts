import { describe, expect, it } from 'vitest'
import { readExecuteCommand } from '../../src/import/packer/execute-command.ts'

const plain = { shell: undefined, user: undefined, sudo: false }

describe('readExecuteCommand', () => {
  it.each([
    ['chmod +x {{.Path}}; {{.Vars}} {{.Path}}', plain],
    ['{{ .Vars }} {{ .Path }}', plain],
    ['chmod +x {{ .Path }}; {{ .Vars }} sudo -E {{ .Path }}', { ...plain, sudo: true }],
    ["sudo -E -S sh '{{ .Path }}'", { ...plain, sudo: true, shell: ['/bin/sh'] }],
    [
      "echo 'vagrant' | {{ .Vars }} sudo -S -E bash -eux '{{ .Path }}'",
      { ...plain, sudo: true, shell: ['/bin/bash', '-eux'] },
    ],
    ["echo 'vagrant' | sudo -S env {{ .Vars }} {{ .Path }}", { ...plain, sudo: true }],
    ["{{ .Vars }} sudo -E sh -eux '{{ .Path }}'", { ...plain, sudo: true, shell: ['/bin/sh', '-eux'] }],
    ["sudo sh -c '{{ .Vars }} {{ .Path }}'", { ...plain, sudo: true }],
    ["bash -o pipefail '{{ .Path }}'", { ...plain, shell: ['/bin/bash', '-o', 'pipefail'] }],
    ['sudo -u app {{ .Path }}', { shell: undefined, user: 'app', sudo: true }],
    ['chmod +x {{ .Path }}; . {{ .EnvVarFile }} && {{ .Path }}', plain],
    ['/usr/bin/nice {{ .Path }}', { ...plain, shell: ['/usr/bin/nice'] }],
    ['{{ .Path }} --flag', undefined],
    ['A=1 {{ .Path }}', undefined],
    ['su - app -c "{{ .Path }}"', undefined],
    ['{{ .Path }} > /tmp/log', undefined],
    ['{{ .Path }} && reboot', undefined],
    ['{{ .Path }} {{ .Other }}', undefined],
  ])('%s', (command, wanted) => {
    expect(readExecuteCommand(command)).toEqual(wanted)
  })
})
