const EXTENSIONS = /\.(?:yaml|yml|json)$/;

/**
 * Whether a file of this name counts as a manifest: `*.yaml`, `*.yml` or `*.json`, and not a dot-file. Copies that editors and
 * package managers leave (`x.yaml~`, `x.yaml.bak`, `#x.yaml#`, `x.yaml.rpmsave`) end differently, so they are left out too.
 */
export function isManifestName(name: string): boolean {
  return EXTENSIONS.test(name) && !/^[.#~]/.test(name) && !name.includes('\uFFFD');
}

/**
 * Whether manifests count that lie in a folder of this name: not in a hidden one (`.git`, `..data`), not in one that an editor
 * or a copy left (`x~`, `#x`), not in that of a file system's check, and not in one that is named like a manifest.
 */
export function isFolderName(name: string): boolean {
  return name !== '' && !isManifestName(name) && !/^[.#~]|~$|^lost\+found$|\uFFFD/.test(name);
}
