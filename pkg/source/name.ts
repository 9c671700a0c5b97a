const EXTENSIONS = /\.(?:yaml|yml|json)$/;

/**
 * Whether a file of this name counts as a manifest: `*.yaml`, `*.yml` or `*.json`, and not a dot-file. Copies that editors and
 * package managers leave (`x.yaml~`, `x.yaml.bak`, `#x.yaml#`, `x.yaml.rpmsave`) end differently, so they are left out too.
 */
export function isManifestName(name: string): boolean {
  return EXTENSIONS.test(name) && !/^[.#~]/.test(name) && !name.includes('\uFFFD');
}
