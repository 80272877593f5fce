import { type InfoHash, infoHash, type PeerId, peerId } from '@pixtorrent/core';
import { DEFAULT_LIMITS, encodeHandshake, parseHandshake } from '@pixtorrent/peer-protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  RawBep3,
  RawPixWire,
  rawBep3Handshake,
  rawBep3Message,
  rawPixWireFrame,
  rawPixWireHandshake,
  u32,
} from './raw-frames.ts';
import { ScriptedListener, ScriptedPeer } from './scripted-peer.ts';

const HASH: InfoHash = infoHash(Buffer.alloc(20, 0xab));
const ID: PeerId = peerId(Buffer.from('-XX0001-abcdefghijkl'));

describe('ScriptedPeer', () => {
  let listener: ScriptedListener;
  let near: ScriptedPeer;
  let far: ScriptedPeer;

  beforeEach(async () => {
    listener = await ScriptedListener.listen(300);
    near = await ScriptedPeer.connect(listener.port, '127.0.0.1', 300);
    far = await listener.accept();
  });

  afterEach(() => {
    near.close();
    listener.close();
  });

  it('sends and reads exact bytes, however they arrive', async () => {
    await near.sendSlowly(Buffer.from('hello'), 2, 1);
    await far.expect(Buffer.from('hel'));
    expect((await far.read(2)).toString()).toBe('lo');
    await near.send(Buffer.from('x'));
    await expect(far.expect(Buffer.from('y'))).rejects.toMatchObject({ code: 'unexpected-bytes' });
  });

  it('reads the frames of both wires', async () => {
    await near.send(rawBep3Message(), rawBep3Message(RawBep3.have, u32(7)), rawBep3Message(RawBep3.unchoke));
    expect(await far.readFrame('bep3')).toEqual({ type: -1, payload: Buffer.alloc(0) });
    expect(await far.readFrameOf('bep3', RawBep3.unchoke)).toEqual({ type: 1, payload: Buffer.alloc(0) });
    await near.send(rawPixWireFrame(RawPixWire.have, u32(1, 2)));
    expect(await far.readFrame('pixwire')).toEqual({
      type: 4,
      payload: Buffer.from('0000000100000002', 'hex'),
    });
  });

  it('says when what it waits for does not come', async () => {
    await near.send(Buffer.from('abc'));
    await expect(far.read(4)).rejects.toMatchObject({ code: 'deadline', message: /616263/ });
    await expect(listener.accept()).rejects.toMatchObject({ code: 'deadline' });
    near.close();
    await expect(far.read(4)).rejects.toMatchObject({ code: 'closed' });
  });

  it('closes one direction, and still reads the other', async () => {
    near.endSending();
    expect(await far.readToEnd()).toHaveLength(0);
    await far.send(Buffer.from('late'));
    await near.expect(Buffer.from('late'));
    far.reset();
    await near.readToEnd();
  });
});

describe('raw handshakes', () => {
  const terms = { infoHash: HASH, peerId: ID };

  it('say the same as those of the codec', () => {
    expect(rawBep3Handshake(terms).equals(encodeHandshake('bep3', HASH, ID, DEFAULT_LIMITS))).toBe(true);
    expect(
      rawPixWireHandshake(terms, DEFAULT_LIMITS).equals(encodeHandshake('pixwire', HASH, ID, DEFAULT_LIMITS)),
    ).toBe(true);
  });

  it('lie where they are told to', () => {
    const old = rawPixWireHandshake(terms, { version: 9, minimumVersion: 9 });
    expect(parseHandshake('pixwire', old)).toMatchObject({ code: 'bad-version' });
    expect(rawPixWireFrame(RawPixWire.choke, undefined, 2 ** 32 - 1).toString('hex')).toBe('06ffffffff');
  });
});
