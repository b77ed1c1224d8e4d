import { dirname } from 'node:path'
import { OcibakeError } from '../../errors.ts'
import { Unknowable } from '../fault.ts'
import { Findings } from '../findings.ts'
import type { SourceText } from '../source-text.ts'
import type { Template, Variable } from '../template.ts'
import type { TemplateInputs } from '../template-inputs.ts'
import { assignedValues } from './assignments.ts'
import { expanded, type Scoped } from './blocks.ts'
import { buildsOf } from './builds.ts'
import { declarations } from './declared.ts'
import { environmentFunction } from './functions/own.ts'
import { hclParser } from './grammar.ts'
import { Locals } from './locals.ts'
import { evaluatorMaker } from './make-evaluator.ts'
import { parseHcl } from './parse.ts'
import type { Root, Scope } from './scope.ts'
import { declaredSources } from './sources.ts'
import { placeOf } from './syntax.ts'
import { topLevelFindings } from './top-level.ts'
import { validationFindings } from './validations.ts'
import { variableRoot, variablesOf } from './variables.ts'

/** The files of a template in HCL2. */
export interface HclFiles {
  /** As the user would name it: `path.root`. */
  readonly folder: string
  readonly files: readonly SourceText[]
  /** `*.auto.pkrvars.hcl` and `.json`, in their order. */
  readonly autoFiles: readonly string[]
}

/** What a template in HCL2 says. @throws TEMPLATE_INVALID; USAGE for a variable that does not fit */
export async function readHcl({ folder, files, autoFiles }: HclFiles, inputs: TemplateInputs): Promise<Template> {
  const parser = await hclParser()
  const bodies = files.map((file) => parseHcl(parser, file))
  const findings = new Findings()
  const variables = new Map<string, Variable>()
  const evaluatorWith = evaluatorMaker({ parser, folder, inputs, variables, findings })
  const evaluator = evaluatorWith({})
  // Only the defaults of variables may ask the environment.
  const early = evaluatorWith({ env: environmentFunction(inputs.env) })

  const declared = declarations(bodies, early, (finding) => findings.add(finding))
  const assigned = await assignedValues(declared, autoFiles, { parser, inputs, evaluator: early, findings })
  for (const variable of variablesOf(declared, assigned, early, findings)) variables.set(variable.name, variable)

  const locals = new Locals(bodies, findings)
  const byName = new Map(declared.map((declaration) => [declaration.name, declaration]))
  const roots: ReadonlyMap<string, Root> = new Map([
    ['var', variableRoot(variables, byName, (name, value) => evaluator.use(name, value))],
    ['local', locals.root(evaluator, () => scope)],
    ['data', notHere('a data source is asked when Packer builds')],
    ['packer', notHere('there is no Packer here')],
    ['path', (key) => (key === 'cwd' ? inputs.cwd : folder)],
    ['build', notHere('it is made by a build with Packer')],
  ])
  const scope: Scope = { roots, names: new Map() }
  const surroundings = { templateFolder: folder, cwd: inputs.cwd }
  const blocks = bodies.flatMap((body) => expanded(body, evaluator, scope))
  const world = { evaluator, findings, sources: declaredSources(blocks, findings), surroundings }
  const builds = blocks.filter(({ syntax }) => syntax.type === 'build').flatMap((block) => buildsOf(block, world))
  if (builds.length === 0) throw nothingBuilt(files, blocks)
  const validations = validationFindings(declared, evaluator, scope, findings)
  for (const finding of [...topLevelFindings(bodies, blocks, builds), ...validations, ...locals.findings()])
    findings.add(finding)
  const names = [...files.map(({ file }) => file), ...autoFiles, ...inputs.varFiles]
  return { format: 'hcl', files: names, variables: [...variables.values()], builds, findings: findings.all }
}

function notHere(why: string): Root {
  return () => {
    throw new Unknowable(why)
  }
}

function nothingBuilt(files: readonly SourceText[], blocks: readonly Scoped[]): OcibakeError {
  const [first] = files
  const build = blocks.find(({ syntax }) => syntax.type === 'build')
  if (build !== undefined) {
    const { file, line } = placeOf(build.syntax)
    return new OcibakeError('TEMPLATE_INVALID', `The build at ${file}:${line} has no source that is declared.`, {
      hint: `Import the folder if another file declares it: ocibake import ${dirname(file)}`,
    })
  }
  const what = files.length === 1 ? first!.file : `The folder ${dirname(first!.file)}`
  return new OcibakeError('TEMPLATE_INVALID', `${what} has no \`build\` block: nothing is built by it.`, {
    hint: 'Name the file with the build, or the folder with all files.',
  })
}
