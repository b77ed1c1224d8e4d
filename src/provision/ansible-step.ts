import type { SecretVariable } from './secret-source.ts'

/**
 * Performs Ansible playbooks on the image: by the ansible-playbook of this machine, without ssh, in the sandbox that
 * scripts have. Paths are relative to the spec file.
 */
export interface AnsibleStep {
  /** A playbook, or several that are performed in this order. */
  readonly ansible: string | readonly string[]
  /** More arguments of ansible-playbook, behind ours. It is run in the folder of the spec file. */
  readonly extraArgs?: readonly string[]
  /** `--extra-vars`; those in `extraArgs` win. */
  readonly extraVars?: Readonly<Record<string, ExtraVar>>
  /** Groups of the inventory that the image is in. */
  readonly groups?: readonly string[]
  /** Groups of the inventory without a host. */
  readonly emptyGroups?: readonly string[]
  /** What the image is called in the inventory. Default: 'default', as for Packer. */
  readonly hostAlias?: string
  /** A folder whose group_vars/ and host_vars/ count; those beside the playbook do anyhow. */
  readonly inventoryDirectory?: string
  /** Folders of roles, instead of Ansible's usual ones. */
  readonly rolesPath?: string | readonly string[]
  /** Folders of collections, before Ansible's usual ones. */
  readonly collectionsPath?: string | readonly string[]
  /** A file of requirements: `ansible-galaxy` installs them for this step. */
  readonly galaxy?: string
  /** Variables of ansible-playbook itself, beside PATH, HOME, proxies and ours. The image's commands do not see them. */
  readonly env?: Readonly<Record<string, string>>
  /** `user` or `user:group` of the image: Ansible's remote user. Default: root. */
  readonly user?: string
  /** Seconds, or '90s', '10m', '1h'. Default: none. */
  readonly timeout?: number | string
  /** Of the commands in the image; Ansible itself has the host's. Default: 'host'. */
  readonly network?: 'host' | 'none'
  /** Variables of ansible-playbook that never reach layer, history or log. */
  readonly secrets?: readonly SecretVariable[]
  /** false: performed in every build, for what it reads cannot be seen. */
  readonly cache?: boolean
}

/** What JSON can say. */
export type ExtraVar = string | number | boolean | null | readonly ExtraVar[] | { readonly [name: string]: ExtraVar }
