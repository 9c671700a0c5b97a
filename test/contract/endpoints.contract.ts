import { describe, expect, it } from 'vitest';
import { refusal, type Stage } from './stage.ts';

const NO_NETWORK = 'f'.repeat(64);

/** What an engine promises about containers on networks. */
export function describeEndpoints(stage: () => Stage): void {
  describeAttaching(stage);
  describeStopped(stage);
  describeRefusals(stage);
}

function describeAttaching(stage: () => Stage): void {
  describe('attaching', () => {
    it('gives a container its first endpoint when it is made', async () => {
      const net = await stage().network();
      const ipv4Address = `${net.prefix}77`;
      const endpoint = { network: net, aliases: ['nginx', 'web'], ipv4Address };
      const box = await stage().created({ endpoint });
      expect(await stage().endpoint(box, net)).toEqual({
        networkId: net.id,
        networkName: net.name,
        ipv4Address: '',
      });
      expect(await stage().aliases(box, net)).toEqual(['nginx', 'web']);
      await stage().subject.engine.startContainer(box.id);
      expect(await stage().endpoint(box, net)).toEqual({
        id: expect.any(String) as string,
        networkId: net.id,
        networkName: net.name,
        ipv4Address,
      });
      expect(await stage().aliases(box, net)).toEqual(['nginx', 'web']);
      const { details } = await stage().container(box);
      expect(details?.requestedIpv4.get(net.id)).toBe(ipv4Address);
    });

    it('lasts through a rename; in Swarm mode only once the endpoint is off', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net, { aliases: ['web'] });
      const before = await stage().endpoint(box, net);
      const name = stage().name('renamed');
      if (stage().isSwarm) {
        expect(await refusal(engine.renameContainer(box.id, name))).toHaveProperty('code', 'engine-error');
        expect(await stage().container(box)).toHaveProperty('name', box.name);
        await engine.disconnect(box.id, net);
      }
      await engine.renameContainer(box.id, name);
      const ipv4Address = before?.ipv4Address ?? '';
      if (stage().isSwarm) await engine.connect(box.id, { network: net, aliases: ['web'], ipv4Address });
      expect(await stage().container(box)).toMatchObject({ name, state: 'running' });
      expect(await stage().endpoint(box, net)).toMatchObject({ networkName: net.name, ipv4Address });
      expect(await stage().aliases(box, net)).toEqual(['web']);
    });

    it('has an ID while it lasts, under which the network shows who holds it', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net);
      const { id } = (await stage().endpoint(box, net)) ?? {};
      const { endpoints } = await engine.inspectNetwork(net);
      expect(endpoints.filter(({ holder }) => holder === box.id)).toEqual([
        { id, name: box.name, holder: box.id },
      ]);
      await engine.stopContainer(box.id, 0);
      expect(await stage().endpoint(box, net)).not.toHaveProperty('id');
    });

    it('by name alone works too', async () => {
      const net = await stage().network();
      const box = await stage().runningOn({ name: net.name });
      expect(await stage().endpoint(box, net)).toHaveProperty('networkId', net.id);
    });

    it('adds and takes away networks of a running container', async () => {
      const { engine } = stage().subject;
      const [first, second] = [await stage().network(), await stage().network()];
      const box = await stage().runningOn(first);
      const ipv4Address = `${second.prefix}99`;
      await engine.connect(box.id, { network: second, aliases: ['b', 'a'], ipv4Address });
      expect(await stage().endpoint(box, second)).toHaveProperty('ipv4Address', ipv4Address);
      expect(await stage().aliases(box, second)).toEqual(['a', 'b']);
      expect(await stage().aliases(box, first)).toEqual([]);
      await engine.disconnect(box.id, first);
      expect((await stage().container(box)).endpoints).toEqual([
        { id: expect.any(String) as string, networkId: second.id, networkName: second.name, ipv4Address },
      ]);
    });

    it('gives an address of the subnet when none is asked for, and no two the same', async () => {
      const net = await stage().network();
      const boxes = [await stage().runningOn(net), await stage().runningOn(net)];
      const addresses = await Promise.all(
        boxes.map(async (box) => (await stage().endpoint(box, net))?.ipv4Address ?? ''),
      );
      expect(new Set(addresses).size).toBe(2);
      expect(addresses.every((address) => address.startsWith(net.prefix))).toBe(true);
    });

    it('again with the same address and other aliases is one disconnect and one connect', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net, { aliases: ['old'] });
      const ipv4Address = (await stage().endpoint(box, net))?.ipv4Address ?? '';
      await engine.disconnect(box.id, net);
      await engine.connect(box.id, { network: net, aliases: ['new'], ipv4Address });
      expect(await stage().endpoint(box, net)).toHaveProperty('ipv4Address', ipv4Address);
      expect(await stage().aliases(box, net)).toEqual(['new']);
    });

    it('leaves out of the aliases what the engine adds by itself', async () => {
      const net = await stage().network();
      const box = await stage().running({
        hostname: 'some-host',
        endpoint: { network: net, aliases: ['nginx'] },
      });
      expect(await stage().aliases(box, net)).toEqual(['nginx']);
      expect((await stage().container(box)).details?.hostname).toBe('some-host');
    });

    it('is to no network, or to the default bridge, where the container says so', async () => {
      const none = await stage().running({ networks: [] });
      const bridged = await stage().running({ bridged: true });
      const names = async (box: typeof none): Promise<string[]> =>
        (await stage().container(box)).endpoints.map(({ networkName }) => networkName);
      expect(await names(none)).toEqual(['none']);
      expect(await names(bridged)).toEqual(['bridge']);
    });
  });
}

function describeStopped(stage: () => Stage): void {
  describe('a container that does not run', () => {
    it('keeps its endpoints, without addresses, and gets them back at the start', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net, { aliases: ['nginx'] });
      await engine.stopContainer(box.id, 0);
      expect(await stage().endpoint(box, net)).toEqual({
        networkId: net.id,
        networkName: net.name,
        ipv4Address: '',
      });
      expect(await stage().aliases(box, net)).toEqual(['nginx']);
      await engine.startContainer(box.id);
      expect((await stage().endpoint(box, net))?.ipv4Address).toMatch(net.prefix);
      expect(await stage().aliases(box, net)).toEqual(['nginx']);
    });

    it('is attached at the next start', async () => {
      const { engine } = stage().subject;
      const [first, second] = [await stage().network(), await stage().network()];
      const box = await stage().created({ endpoint: { network: first, aliases: [] } });
      await engine.connect(box.id, { network: second, aliases: ['late'] });
      expect(await stage().endpoint(box, second)).toHaveProperty('ipv4Address', '');
      expect(await stage().aliases(box, second)).toEqual(['late']);
      await stage().startJoined(box);
      expect((await stage().endpoint(box, first))?.ipv4Address).toMatch(first.prefix);
      expect((await stage().endpoint(box, second))?.ipv4Address).toMatch(second.prefix);
      expect(await stage().aliases(box, second)).toEqual(['late']);
    });

    it('can leave the network that it was made with, but for Swarm mode since Docker 25', async () => {
      const { engine } = stage().subject;
      const [first, second] = [await stage().network(), await stage().network()];
      const box = await stage().created({ endpoint: { network: first, aliases: [] } });
      await engine.connect(box.id, { network: second, aliases: [] });
      await engine.disconnect(box.id, first);
      const start = engine.startContainer(box.id);
      if (stage().isSwarm && stage().speaks(44)) {
        // Which of the two it says depends on how fast the manager forgets the attachment. Either way it does not start.
        const { code } = await refusal(start);
        expect(['network-not-found', 'attach-timeout']).toContain(code);
      } else {
        await start;
        expect((await stage().container(box)).endpoints).toMatchObject([{ networkId: second.id }]);
      }
    });

    it('is disconnected once', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().created({ endpoint: { network: net, aliases: [] } });
      await engine.disconnect(box.id, net);
      expect((await stage().container(box)).endpoints).toEqual([]);
      expect(await refusal(engine.disconnect(box.id, net))).toHaveProperty('kind', 'already-so');
    });

    it('holds on to a network that was made anew, until the record is dropped by force', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().runningOn(net);
      await engine.stopContainer(box.id, 0);
      await stage().eventually(() => engine.removeNetwork(net.id));
      const anew = await stage().networkNamed(net.name);
      expect(await refusal(engine.startContainer(box.id))).toHaveProperty('code', 'network-not-found');
      await engine.disconnect(box.id, { name: net.name, id: net.id }, true);
      await engine.connect(box.id, { network: anew, aliases: ['nginx'] });
      await engine.startContainer(box.id);
      expect(await stage().endpoint(box, anew)).toHaveProperty('networkId', anew.id);
    });
  });
}

function describeRefusals(stage: () => Stage): void {
  describe('refusals to attach', () => {
    it('of what is so already count as success', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const box = await stage().running({ bridged: true });
      await engine.connect(box.id, { network: net, aliases: [] });
      expect(await refusal(engine.connect(box.id, { network: net, aliases: [] }))).toEqual({
        code: 'already-connected',
        kind: 'already-so',
      });
      await engine.disconnect(box.id, net);
      expect(await refusal(engine.disconnect(box.id, net))).toEqual({
        code: 'not-connected',
        kind: 'already-so',
      });
    });

    it('of an address in use', async () => {
      const { engine } = stage().subject;
      const net = await stage().network();
      const ipv4Address = `${net.prefix}50`;
      await stage().runningOn(net, { ipv4Address });
      const box = await stage().running({ bridged: true });
      const connect = engine.connect(box.id, { network: net, aliases: ['first'], ipv4Address });
      // A Swarm node is not told why its manager gives it no address.
      const code = stage().isSwarm ? 'attach-timeout' : 'address-in-use';
      expect(await refusal(connect)).toHaveProperty('code', code);
      // Docker keeps a record of the attempt; as long as the container runs it is no endpoint and in nobody's way.
      expect(await stage().endpoint(box, net)).toBeUndefined();
      expect(await refusal(engine.disconnect(box.id, net))).toHaveProperty('code', 'not-connected');
      await engine.connect(box.id, { network: net, aliases: ['second'] });
      expect(await stage().endpoint(box, net)).toHaveProperty('networkId', net.id);
      expect(await stage().aliases(box, net)).toEqual(['second']);
    });

    it('of an address in use, at the start', async () => {
      // The same to Swarm mode, which takes its 20 s again to say so.
      if (stage().isSwarm) return;
      const { engine } = stage().subject;
      const net = await stage().network();
      const ipv4Address = `${net.prefix}50`;
      await stage().runningOn(net, { ipv4Address });
      const box = await stage().created({ endpoint: { network: net, aliases: [], ipv4Address } });
      expect(await refusal(engine.startContainer(box.id))).toHaveProperty('code', 'address-in-use');
      expect(await stage().container(box)).toHaveProperty('state', 'created');
    });

    it('with an address where no subnet was configured; Swarm mode counts every subnet as that', async () => {
      const { engine } = stage().subject;
      const net = await stage().networkWithoutSubnet();
      const subnet = (await stage().seenNetwork(net))?.subnets[0]?.subnet ?? '';
      const ipv4Address = subnet.replace(/\.\d+\/.*/, '.77');
      const box = await stage().running({ bridged: true });
      const connect = engine.connect(box.id, { network: net, aliases: [], ipv4Address });
      if (stage().isSwarm) await connect;
      else expect(await refusal(connect)).toEqual({ code: 'address-unsupported', kind: 'invalid' });
    });

    it('to a network that is not there', async () => {
      const { engine } = stage().subject;
      const box = await stage().running({ bridged: true });
      const network = { name: 'contract-none', id: NO_NETWORK };
      expect(await refusal(engine.connect(box.id, { network, aliases: [] }))).toHaveProperty(
        'code',
        'network-not-found',
      );
      const other = await stage().created({ endpoint: { network: { name: 'contract-none' }, aliases: [] } });
      expect(await refusal(engine.startContainer(other.id))).toHaveProperty('code', 'network-not-found');
    });
  });
}
