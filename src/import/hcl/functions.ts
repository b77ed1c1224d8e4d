import { Fault, Unknowable } from '../fault.ts'
import { attemptFunctions } from './functions/attempts.ts'
import { collectionFunctions } from './functions/collections.ts'
import { encodingFunctions } from './functions/encoding.ts'
import type { Functions, FunctionTable } from './functions/function.ts'
import { numberFunctions } from './functions/numbers.ts'
import { regexFunctions } from './functions/regex.ts'
import { textFunctions } from './functions/text.ts'
import { timeFunctions } from './functions/time.ts'

const ELSEWHERE = /^(vault|consul_key|consul_keys|aws_secretsmanager(_raw)?|azure_keyvault)$/
const NOT_HERE =
  /^(bcrypt|rsadecrypt|cidr\w+|setproduct|uuidv5|csvdecode|base64gzip|rfc3339_parse|unix_timestamp_parse)$/

const GENERAL: FunctionTable = {
  ...textFunctions,
  ...collectionFunctions,
  ...numberFunctions,
  ...encodingFunctions,
  ...timeFunctions,
  ...attemptFunctions,
}

/** The functions that can be evaluated here. @param own those that depend on the template's place or time */
export function hclFunctions(own: FunctionTable): Functions {
  const table: FunctionTable = { ...GENERAL, ...regexFunctions(), ...own }
  return (name) => {
    const found = Object.hasOwn(table, name) ? table[name] : undefined
    if (found !== undefined) return found
    if (ELSEWHERE.test(name)) throw new Unknowable(`${name}() asks a service that only a build with Packer asks`)
    if (NOT_HERE.test(name)) throw new Unknowable(`${name}() is not evaluated by an import`)
    throw new Fault(`there is no function ${name}()`)
  }
}
