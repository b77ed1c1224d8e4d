import type { Finding } from '../finding.ts'
import type { Member } from './json-value.ts'

const KNOWN = new Set([
  'variables',
  'sensitive-variables',
  'builders',
  'provisioners',
  'post-processors',
  'error-cleanup-provisioner',
  'description',
])

/** What became of the keys of a template that say nothing of builds. */
export function rootFindings(members: readonly Member[]): readonly Finding[] {
  return members.flatMap((member): readonly Finding[] => {
    const { name, place } = member
    if (KNOWN.has(name)) return []
    if (name === 'min_packer_version') {
      const says = 'A version of Packer is asked for.'
      return [{ kind: 'mapped', id: 'OB143', place, says, advice: 'Nothing is needed for it.' }]
    }
    if (name.startsWith('_')) {
      return [{ kind: 'mapped', id: 'OB143', place, says: `'${name}' is a comment.`, advice: 'It is left out.' }]
    }
    const says = `'${name}' is no key of a template.`
    return [
      { kind: 'todo', id: 'OB144', place, says, advice: 'It is left out; look whether the image needs what it does.' },
    ]
  })
}
