import { describe, expect, it } from 'vitest';
import { AddressPool, freeSubnet, overlaps, withGateway } from './ipam.ts';

describe('AddressPool', () => {
  it('hands out the lowest free address, without network, gateway and broadcast', () => {
    const pool = new AddressPool('net', { subnet: '10.0.9.0/29', gateway: '10.0.9.1' });
    expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual(['10.0.9.2', '10.0.9.3', '10.0.9.4']);
    pool.release('10.0.9.3');
    expect([pool.allocate(), pool.allocate(), pool.allocate()]).toEqual(['10.0.9.3', '10.0.9.5', '10.0.9.6']);
    expect(() => pool.allocate()).toThrow(expect.objectContaining({ code: 'address-exhausted' }));
  });

  it('in serial order uses an address again only after all others', () => {
    const pool = new AddressPool('net', { subnet: '10.0.9.0/29', gateway: '10.0.9.1' }, 'serial');
    const first = pool.allocate();
    pool.release(first);
    const next = Array.from({ length: 4 }, () => pool.allocate());
    expect([first, next]).toEqual(['10.0.9.2', ['10.0.9.3', '10.0.9.4', '10.0.9.5', '10.0.9.6']]);
    expect(pool.allocate()).toBe('10.0.9.2');
    expect(() => pool.allocate()).toThrow(expect.objectContaining({ code: 'address-exhausted' }));
  });

  it('takes addresses from the range, and any of the subnet that is asked for', () => {
    const pool = new AddressPool('net', withGateway({ subnet: '10.0.9.0/24', ipRange: '10.0.9.128/25' }));
    expect(pool.allocate()).toBe('10.0.9.129');
    pool.claim('10.0.9.5');
    pool.claim('10.0.9.130');
    expect(pool.allocate()).toBe('10.0.9.131');
    pool.release('10.0.9.5');
    expect(pool.allocate()).toBe('10.0.9.132');
  });

  it.each([
    ['10.0.9.1', 'address-in-use'],
    ['10.0.9.7', 'address-in-use'],
    ['10.0.10.7', 'invalid-request'],
    ['10.0.9', 'invalid-request'],
    ['10.0.9.256', 'invalid-request'],
  ])('refuses to give %s: %s', (address, code) => {
    const pool = new AddressPool('net', { subnet: '10.0.9.0/24', gateway: '10.0.9.1' });
    pool.claim('10.0.9.7');
    expect(() => pool.claim(address)).toThrow(expect.objectContaining({ code }));
  });
});

describe('subnets', () => {
  it.each([
    ['10.0.0.0/24', '10.0.0.0/16', true],
    ['10.0.0.128/25', '10.0.0.0/25', false],
    ['10.0.0.0/24', '10.0.1.0/24', false],
    ['0.0.0.0/0', '255.255.255.255/32', true],
  ])('%s and %s overlap: %s', (one, other, expected) => {
    expect(overlaps(one, other)).toBe(expected);
    expect(overlaps(other, one)).toBe(expected);
  });

  it('are looked for from below', () => {
    expect(freeSubnet('10.0.0.0/22', 24, ['10.0.0.0/23', '10.0.3.7/32'])).toBe('10.0.2.0/24');
    expect(freeSubnet('10.0.0.0/23', 24, ['10.0.0.0/8'])).toBeUndefined();
  });

  it.each([
    [{ subnet: '10.0.9.0/24' }, '10.0.9.1'],
    [{ subnet: '10.0.9.0/24', ipRange: '10.0.9.128/25' }, '10.0.9.128'],
    [{ subnet: '10.0.9.0/24', ipRange: '10.0.9.0/25' }, '10.0.9.1'],
    [{ subnet: '10.0.9.0/24', gateway: '10.0.9.9' }, '10.0.9.9'],
  ])('of %o have the gateway %s', (subnet, gateway) => {
    expect(withGateway(subnet).gateway).toBe(gateway);
  });

  it.each(['10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0/8', 'x/8'])('%s is none', (text) => {
    expect(() => overlaps(text, '10.0.0.0/8')).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });
});
