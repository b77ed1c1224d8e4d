import * as fc from 'fast-check'

const NAMES = [
  'a',
  'b',
  'c',
  'd',
  'd/a',
  'd/b',
  'd/e',
  'd/e/a',
  'shared/a',
  'shared/d',
  'shared/d/a',
  'sticky/a',
  'core',
]
const IDS = ['0', '65100', '7:8', ':44', '1:1', '65100:1000']
const MODES = ['0', '644', '755', '4755', '2755', '6711', '1777', '2770', '700', 'g-s', 'u+s', 'a-w']

const name = fc.constantFrom(...NAMES)
const id = fc.constantFrom(...IDS)
const mode = fc.constantFrom(...MODES)

/** One command on files of /opt that may or may not be there. */
const command = fc.oneof(
  name.map((a) => `mkdir ${a}`),
  fc.tuple(name, mode).map(([a, m]) => `mkdir -m ${m} ${a}`),
  fc.tuple(name, fc.nat(99)).map(([a, n]) => `echo ${n} > ${a}`),
  fc.tuple(name, fc.nat(99)).map(([a, n]) => `echo ${n} >> ${a}`),
  fc.tuple(name, name).map(([a, b]) => `ln ${a} ${b}`),
  fc.tuple(name, name).map(([a, b]) => `ln -s ${a} ${b}`),
  fc.tuple(name, name).map(([a, b]) => `mv ${a} ${b}`),
  fc.tuple(name, name).map(([a, b]) => `cp -a ${a} ${b}`),
  name.map((a) => `rm ${a}`),
  name.map((a) => `rm -r ${a}`),
  name.map((a) => `rmdir ${a}`),
  fc.tuple(name, fc.nat(9)).map(([a, n]) => `mknod ${a} c 1 ${n}`),
  fc.tuple(name, id).map(([a, i]) => `chown ${i} ${a}`),
  fc.tuple(name, id).map(([a, i]) => `chown -h ${i} ${a}`),
  fc.tuple(name, id).map(([a, i]) => `chown -R ${i} ${a}`),
  fc.tuple(name, mode).map(([a, m]) => `chmod ${m} ${a}`),
  fc.tuple(name, mode).map(([a, m]) => `install -m ${m} -o 3 -g 4 core ${a}`),
  fc.tuple(name, fc.nat(9)).map(([a, n]) => `su core -c "umask 0${n % 8}7; echo x > ${a}; mkdir ${a}2"`),
  fc.constantFrom('umask 0', 'umask 022', 'umask 077'),
)

/** Random scripts, the same for the same seed; each says the mode and owner of everything at its end. */
export function randomScripts(seed: number, count: number): readonly string[] {
  const script = fc
    .array(command, { minLength: 60, maxLength: 60 })
    .map((lines) => ['cd /opt', ...lines, 'find . | sort | xargs stat -c "%n %A %u:%g %h %t,%T"'].join('\n'))
  return fc.sample(script, { seed, numRuns: count })
}
