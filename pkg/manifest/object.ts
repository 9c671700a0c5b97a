import { ANNOTATIONS, MODES, objectKey, type Mode } from '../api/index.ts';
import { aliasDigests, containerDigests, networkDigests } from './digest.ts';
import type { AliasSpec, ContainerSpec, ManifestObject, Origin } from './objects.ts';
import type { ParsedAliasSpec, ParsedDocument } from './schema/index.ts';

/** The object that a valid document declares. */
export function toObject(document: ParsedDocument, origin: Origin): ManifestObject {
  const { name, labels, annotations } = document.metadata;
  const meaning = { name, labels, annotations };
  const base = {
    ...meaning,
    key: objectKey(document.kind, name),
    mode: modeOf(annotations[ANNOTATIONS.mode]),
    adopt: annotations[ANNOTATIONS.adopt] === 'true',
    prune: annotations[ANNOTATIONS.prune] !== 'false',
    origin,
  };
  if (document.kind === 'Network') {
    const { kind, spec } = document;
    const recreate = annotations[ANNOTATIONS.recreate] === 'true';
    return { ...base, kind, spec, recreate, ...networkDigests(meaning, spec) };
  }
  if (document.kind === 'Alias') {
    const spec = withDnsName(document.spec, name);
    return { ...base, kind: document.kind, spec, ...aliasDigests(meaning, spec) };
  }
  const spec = withoutOwnName(document.spec, name);
  return { ...base, kind: document.kind, spec, ...containerDigests(meaning, spec) };
}

function withDnsName({ name: own, ...spec }: ParsedAliasSpec, name: string): AliasSpec {
  return { ...spec, dnsName: own ?? name };
}

/** A container's own name is a DNS name anyway, and engines do not report it as an alias. */
function withoutOwnName(spec: ContainerSpec, name: string): ContainerSpec {
  if (!spec.networks) return spec;
  const own = name.toLowerCase();
  const networks = spec.networks.map((network) => ({
    ...network,
    aliases: network.aliases.filter((alias) => alias !== own),
  }));
  return { ...spec, networks };
}

function modeOf(text: string | undefined): Mode {
  return MODES.find((mode) => mode === text) ?? 'enforce';
}
