import { describe, expect, it } from 'vitest';
import { networkSpec, ownedLabels } from './specs.ts';
import { refusal, type Stage } from './stage.ts';

/** What an engine promises about networks. */
export function describeNetworks(stage: () => Stage): void {
  describe('networks', () => {
    it('are seen as they were made', async () => {
      const prefix = stage().prefix();
      const ipam = { subnet: `${prefix}0/24`, gateway: `${prefix}9` };
      const made = await stage().network({ ipam, mtu: 1400, internal: true }, { team: 'web' });
      const seen = await stage().seenNetwork(made);
      expect(seen).toMatchObject({
        name: made.name,
        driver: stage().driver,
        // Not in the API before; and only Swarm mode, which is younger, minds it.
        attachable: stage().driver === 'overlay' && stage().speaks(25),
        internal: true,
        labels: { ...ownedLabels('Network', made.name), team: 'web' },
        subnets: [ipam],
      });
      expect(seen?.options['com.docker.network.driver.mtu']).toBe('1400');
      const scopes = { plain: 'local', 'cluster-store': 'global', 'swarm-manager': 'swarm' };
      expect(scopes).toHaveProperty(stage().facts.kind, seen?.scope);
      expect(seen?.createdAtMs).toBeGreaterThan(Date.UTC(2020));
    });

    it('keep the range that addresses are taken from', async () => {
      const prefix = stage().prefix();
      const ipam = { subnet: `${prefix}0/24`, ipRange: `${prefix}128/25` };
      const made = await stage().network({ ipam });
      expect((await stage().seenNetwork(made))?.subnets).toMatchObject([ipam]);
      const box = await stage().runningOn(made);
      const address = (await stage().endpoint(box, made))?.ipv4Address ?? '';
      expect(Number(address.split('.')[3])).toBeGreaterThanOrEqual(128);
    });

    it('get a subnet when they ask for none', async () => {
      const made = await stage().networkWithoutSubnet();
      expect((await stage().seenNetwork(made))?.subnets).toMatchObject([
        { subnet: expect.stringMatching(/^[\d.]+\/\d+$/) as string },
      ]);
    });

    it('are refused under a name that is taken', async () => {
      const made = await stage().network();
      const again = stage().createNetwork(made.name, networkSpec(stage().driver));
      expect(await refusal(again)).toEqual({ code: 'already-exists', kind: 'already-so' });
    });

    it('are refused a subnet that is taken; Swarm mode never makes them ready instead', async () => {
      const made = await stage().network();
      const overlapping = stage().network({ ipam: { subnet: `${made.prefix}128/25` } });
      if (stage().isSwarm) {
        expect((await stage().seenNetwork(await overlapping))?.subnets).toEqual([]);
      } else {
        expect(await refusal(overlapping)).toEqual({ code: 'subnet-overlap', kind: 'waiting' });
      }
    });

    it('go when nothing is on them, and only once', async () => {
      const { engine } = stage().subject;
      const made = await stage().network();
      await engine.removeNetwork(made.id);
      expect(await stage().seenNetwork(made)).toBeUndefined();
      expect(await refusal(engine.removeNetwork(made.id))).toHaveProperty('kind', 'already-so');
    });

    it('stay while a container is on them', async () => {
      const { engine } = stage().subject;
      const made = await stage().network();
      const box = await stage().runningOn(made);
      expect(await refusal(engine.removeNetwork(made.id))).toEqual({
        code: 'network-in-use',
        kind: 'waiting',
      });
      await engine.removeContainer(box.id);
      await stage().eventually(() => engine.removeNetwork(made.id));
    });

    it('that the engine makes by itself are seen, without an owner', async () => {
      const { networks } = await stage().subject.engine.observe();
      const bridge = networks.find(({ name }) => name === 'bridge');
      expect(bridge).toMatchObject({ driver: 'bridge', scope: 'local', labels: {} });
      expect(networks.map(({ name }) => name)).toEqual(expect.arrayContaining(['host', 'none']));
    });

    it('of the local kind are refused under a name that is taken', async () => {
      const made = await stage().network({ driver: 'bridge' });
      const again = stage().createNetwork(made.name, networkSpec('bridge'));
      expect(await refusal(again)).toHaveProperty('code', 'already-exists');
      expect((await stage().seenNetwork(made))?.scope).toBe('local');
    });
  });
}
