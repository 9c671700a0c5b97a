import { describe, expect, it } from 'vitest';
import { parseZooKeeperAddress } from './zookeeper-address.ts';

describe('parseZooKeeperAddress', () => {
  it.each([
    ['zk://zk1/ovr', [{ host: 'zk1', port: 2181 }], '/ovr'],
    ['zk://10.6.17.12:2182/ovr/default', [{ host: '10.6.17.12', port: 2182 }], '/ovr/default'],
    [
      'zk://a.example:1,b-2:65535,c_3/x',
      [
        { host: 'a.example', port: 1 },
        { host: 'b-2', port: 65_535 },
        { host: 'c_3', port: 2181 },
      ],
      '/x',
    ],
    ['zk://[::1]/x', [{ host: '::1', port: 2181 }], '/x'],
    ['zk://[fe80::1%eth0]:2182/x', [{ host: 'fe80::1%eth0', port: 2182 }], '/x'],
    [
      'zk://[::ffff:10.0.0.1]:99,b/x',
      [
        { host: '::ffff:10.0.0.1', port: 99 },
        { host: 'b', port: 2181 },
      ],
      '/x',
    ],
    ['zk://a/.hidden/a..b/Größe', [{ host: 'a', port: 2181 }], '/.hidden/a..b/Größe'],
  ])('reads %s', (text, servers, root) => {
    expect(parseZooKeeperAddress(text)).toEqual({ servers, root });
  });

  it.each([
    ['', /zk:\/\//],
    ['a:2181/ovr', /zk:\/\//],
    ['http://a:2181/ovr', /zk:\/\//],
    ['ZK://a/ovr', /write it as zk:\/\//],
    ['zk://a:2181', /no path/],
    ['zk://a:2181/', /no path/],
    ['zk://a:2181//', /slash/],
    ['zk://a/ovr/', /write \/ovr$/],
    ['zk://a/ovr//x', /write \/ovr\/x$/],
    ['zk://a/ovr/../x', /in full/],
    ['zk://a/./x', /in full/],
    ['zk://a/zookeeper/x', /another path/],
    ['zk://a/x\u0000y', /control/],
    ['zk://a/x y', /space/],
    ['zk:///ovr', /without a name/],
    ['zk://a,/ovr', /without a name/],
    ['zk://,a/ovr', /without a name/],
    ['zk://user:pass@a/ovr', /file/],
    ['zk://::1/ovr', /brackets/],
    ['zk://fe80::1:2181/ovr', /brackets/],
    ['zk://[::1/ovr', /host:port/],
    ['zk://[]:1/ovr', /host:port/],
    ['zk://a:/ovr', /write a:2181/],
    ['zk://a:0/ovr', /1 to 65535/],
    ['zk://a:65536/ovr', /1 to 65535/],
    ['zk://[::1]:70000/ovr', /write \[::1\]:2181/],
    ['zk://a:b/ovr', /host:port/],
    ['zk://:2181/ovr', /host:port/],
    ['zk://a;b/ovr', /host:port/],
  ])('says what to write instead of %j', (text, mend) => {
    expect(parseZooKeeperAddress(text)).toMatch(mend);
  });

  it('does not repeat a password', () => {
    expect(parseZooKeeperAddress('zk://user:pass@a/ovr')).not.toContain('pass@');
  });
});
