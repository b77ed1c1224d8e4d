import type { FindingId } from './notes.ts'

/** Something that a line of a script should not do. */
export interface LineDefect {
  readonly id: FindingId
  readonly pattern: RegExp
  /** A line of the script that takes care of it: it names the file that is fetched, or none that is. */
  readonly unless?: RegExp
  /** false: it is none in bash. */
  readonly bash?: boolean
  /** What is fetched is wrong, not what the line does. */
  readonly ofAddress?: boolean
  says(match: RegExpExecArray): string
  readonly advice: string
}

const COMMAND = String.raw`(?:^|[;&|]\s*|\bsudo\s+(?:-\S+\s+)*)`

export const LINE_DEFECTS: readonly LineDefect[] = [
  {
    id: 'OB101',
    pattern: /\becho\s+-e\b/,
    bash: false,
    says: () => '`echo -e` in dash writes `-e` too.',
    advice: 'Use printf, or bash by `shell`.',
  },
  {
    id: 'OB105',
    ofAddress: true,
    pattern: /\b(?:wget|curl)\b[^|;&]*\b(https?:\/\/[^\s'"|;&]+)/,
    unless: /sha\d+sum|gpg\b|md5sum|-o \/dev\/null/,
    says: ([, url]) => `Nobody checks what ${addressOf(url!)} sends.`,
    advice: 'Check it by its sha256; `unpack` does.',
  },
  {
    id: 'OB106',
    pattern: new RegExp(`${COMMAND}apt\\s+(?:-\\S+\\s+)*(install|purge|remove|update|upgrade|autoremove)\\b`),
    says: ([, verb]) => `\`apt ${verb}\` is for people: its options and output may change.`,
    advice: 'Use apt-get; `apt-get purge --auto-remove` also takes libraries that nobody needs.',
  },
  {
    id: 'OB107',
    pattern: /\bchmod\s+(?!.*(?:-\w*R|--recursive))(\S*X\S*)\s/,
    says: ([, mode]) => `\`chmod ${mode}\` changes one folder; X only means something for all in it.`,
    advice: 'Add -R, or write a `chmod` step with `recursive`.',
  },
  {
    id: 'OB111',
    pattern: /\b(?:linux|Linux)[-_.](amd64|x86_64|64bit|arm64|aarch64)\b/,
    says: ([, processor]) => `The processor is fixed: ${processor}.`,
    advice: 'Make it a variable if there are to be images for others.',
  },
  {
    id: 'OB121',
    pattern: new RegExp(`${COMMAND.replace(String.raw`|\bsudo\s+(?:-\S+\s+)*`, '')}sudo\\b`),
    says: () => 'Most images have no `sudo`, and scripts run as root.',
    advice: 'Leave it out.',
  },
  {
    id: 'OB122',
    pattern: new RegExp(
      `${COMMAND}(systemctl\\s+(?:enable|start|restart|daemon-reload)|service\\s+\\S+\\s+(?:start|restart)|update-rc\\.d|chkconfig|reboot|shutdown|ufw|iptables|sysctl|swapon|modprobe|mount|hostnamectl|timedatectl|cloud-init)\\b|(pm2\\s+startup)`,
    ),
    says: ([, one, other]) => `\`${one ?? other}\` is for a machine: a container has no init and no kernel of its own.`,
    advice: 'Start the program by `config.entrypoint` or `cmd`.',
  },
  {
    id: 'OB130',
    ofAddress: true,
    pattern: /\bhttps?:\/\/[^\s'"]*\b(latest|stable|current|nightly|master)\b[^\s'"]*/,
    says: ([url]) => `${addressOf(url)} is another file from time to time.`,
    advice: 'Name a version.',
  },
]

/** Without login and query. */
function addressOf(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/s, '')
}
