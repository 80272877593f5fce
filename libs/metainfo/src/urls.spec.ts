import { describe, expect, it } from 'vitest';
import { trackerUrl, validTiers, webSeedUrl } from './urls.ts';

describe('trackerUrl', () => {
  it.each([
    'http://tracker.example/announce',
    'http://tracker.example',
    'https://tracker.example:443/a?passkey=x',
    'udp://tracker.example:6969',
    'udp://[2001:db8::1]:6969/announce',
    'http://192.0.2.1:80/announce',
    'grpc://tracker.example:6970',
    'grpcs://[2001:db8::1]:6970/announce-key',
  ])('keeps %s as it was written', (url) => {
    expect(trackerUrl(url)).toBe(url);
  });

  it('writes other scripts in ASCII', () => {
    expect(trackerUrl('http://bücher.example/ä')).toBe('http://xn--bcher-kva.example/%C3%A4');
  });

  it.each([
    '',
    'tracker.example',
    'ftp://tracker.example/',
    'wss://tracker.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'http://',
    'http://host:99999/',
    'udp://tracker.example',
    'udp://tracker.example:0',
    'grpc://tracker.example',
    'grpcs://tracker.example:0',
    'grpcx://tracker.example:6970',
    'http://a b/',
    ' http://a/',
    'http://a/\n',
    'ht\ttp://a/',
    'http://a/\u001b[2J',
    `http://a/${'x'.repeat(2048)}`,
  ])('refuses %j', (url) => {
    expect(trackerUrl(url)).toBeUndefined();
  });
});

describe('webSeedUrl', () => {
  it('is http or https', () => {
    expect(webSeedUrl('https://a/x')).toBe('https://a/x');
    expect(webSeedUrl('udp://a:1')).toBeUndefined();
  });
});

describe('validTiers', () => {
  it('keeps each URL once, in its first tier, and 200 of them', () => {
    expect(validTiers([['http://a/', 'bad', 'http://a/'], ['http://a/'], ['http://b/']])).toEqual([
      ['http://a/'],
      ['http://b/'],
    ]);
    expect(validTiers([Array.from({ length: 300 }, (_, i) => `http://t${i}/`)])[0]).toHaveLength(200);
  });
});
