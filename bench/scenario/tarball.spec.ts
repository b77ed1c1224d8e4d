import type { Spec, SpecContext } from 'ocibake'

/** An image of a tarball alone. Variables: `archive` (a file), `out`. */
export default ({ vars }: SpecContext): Spec => ({
  from: 'scratch',
  steps: [{ unpack: vars.archive ?? '', to: '/' }],
  tags: [vars.out ?? ''],
})
