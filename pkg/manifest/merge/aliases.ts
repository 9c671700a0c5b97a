import { showSelector } from '../../api/index.ts';
import { aliasCandidates } from '../alias-holders.ts';
import type { AliasObject, ContainerObject } from '../objects.ts';
import { find, whereIs, type Candidate, type Candidates, type Finding } from './candidate.ts';

/** Aliases whose name somebody else has on that network: another Alias, a container's own name, or one of its fixed aliases. */
export function aliasConflicts({ aliases, containers }: Candidates): Finding[] {
  if (aliases.length === 0) return [];
  const names = namesOfContainers(containers);
  return aliases
    .filter(({ isInForce }) => !isInForce)
    .flatMap((alias) => {
      const rival = aliases.find((other) => other !== alias && placeOf(other) === placeOf(alias));
      if (rival) return [clash(alias, `${rival.object.key} (${whereIs(rival, rival.places?.name)})`)];
      const owner = names.get(placeOf(alias));
      return owner ? [owned(alias, owner)] : [];
    });
}

/** Aliases that no container can hold, or not every one that is selected. */
export function aliasWarnings({ aliases, containers }: Candidates): Finding[] {
  return aliases.flatMap((alias) => {
    const { spec, name } = alias.object;
    const { holders, unattached } = aliasCandidates(
      spec,
      containers.map(({ object }) => object),
    );
    if (unattached.length > 0) {
      const list = unattached.map((object) => object.name).join(', ');
      const message = `spec.network: ${list} fit the selector of Alias ${name} but are not on network ${spec.network}; attach them, or they never hold the name`;
      return [find(alias, 'alias-unattached', message, alias.places?.network)];
    }
    if (holders.length > 0) return [];
    const message = `no container has the labels of Alias ${name} (${showSelector(spec.selector)}): nobody holds the name until one has`;
    return [find(alias, 'alias-unheld', message, alias.places?.name)];
  });
}

interface NameOwner {
  readonly container: Candidate<ContainerObject>;
  /** Position of the network whose fixed alias it is; absent: the container's own name. */
  readonly index?: number;
}

function namesOfContainers(containers: readonly Candidate<ContainerObject>[]): Map<string, NameOwner> {
  const names = new Map<string, NameOwner>();
  for (const container of containers) {
    for (const [index, { name, aliases }] of (container.object.spec.networks ?? []).entries()) {
      for (const alias of aliases) names.set(keyOf(name, alias), { container, index });
      names.set(keyOf(name, container.object.name.toLowerCase()), { container });
    }
  }
  return names;
}

function placeOf({ object }: Candidate<AliasObject>): string {
  return keyOf(object.spec.network, object.spec.dnsName);
}

function keyOf(network: string, dnsName: string): string {
  return `${network} ${dnsName}`;
}

function clash(alias: Candidate<AliasObject>, there: string): Finding {
  const { dnsName, network } = alias.object.spec;
  const message = `${dnsName} on ${network} is the name of ${there} too; give one of them another name (until then neither counts)`;
  return find(alias, 'alias-conflict', message, alias.places?.name);
}

function owned(alias: Candidate<AliasObject>, { container, index }: NameOwner): Finding {
  const { dnsName, network } = alias.object.spec;
  const { key } = container.object;
  const message =
    index === undefined
      ? `${dnsName} is the own name of ${key} (${whereIs(container, container.places?.name)}) on ${network}; choose another name`
      : `${key} (${whereIs(container, container.places?.networks?.[index])}) has ${dnsName} as a fixed alias on ${network}; remove it there, so that the Alias can move it`;
  return find(alias, 'alias-conflict', message, alias.places?.name);
}
