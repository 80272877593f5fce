/**
 * What keeps a request from being one, and what the asker is told. The connection cannot go on after it: nobody knows
 * where the next request begins.
 */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Bytes of request line and headers together; a scrape of the most torrents has room. */
const MAX_HEAD = 8 * 1024;
/** Bytes of a body, which nobody reads here. */
const MAX_BODY = 8 * 1024;
const MAX_METHOD = 16;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const NOTHING = Buffer.alloc(0);
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const GET = Buffer.from('GET ');
const VERSION = Buffer.from('HTTP/1.');

/**
 * Finds the requests in a stream of bytes (RFC 9112). There is one for a whole connection, and its fields say what the
 * last `next` found: a request makes no object. Lines end in CR LF only, so that a proxy before us sees the same
 * requests as we do.
 */
export class RequestReader {
  /** Where the target is; good until the next `push`. */
  bytes: Buffer = NOTHING;
  method = '';
  targetStart = 0;
  targetEnd = 0;
  /** HTTP/1.0: that the connection stays open has to be said. */
  old = false;
  /** Whether more may come after this request. */
  keepAlive = true;
  /** All values of the header that says where a request comes from, joined by commas; empty for none. */
  forwarded = '';
  readonly #forwardedHeader: string;
  #at = 0;
  /** The head does not end before here. */
  #scanned = 0;
  /** What is still to come of a body. */
  #body = 0;

  /** @param forwardedHeader in lower case; empty for none */
  constructor(forwardedHeader: string) {
    this.#forwardedHeader = forwardedHeader;
  }

  /** Whether something of a request is there, and not all of it. */
  get partial(): boolean {
    return this.bytes.length > 0 || this.#body > 0;
  }

  /** Adds what came; what was there before has been read up as far as `next` could. */
  push(chunk: Buffer): void {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes.subarray(this.#at), chunk]);
    this.#scanned = Math.max(0, this.#scanned - this.#at);
    this.#at = 0;
  }

  /** @returns whether there is one more request @throws BadRequest */
  next(): boolean {
    this.#skipBody();
    // Some clients send an empty line after a body.
    while (this.bytes[this.#at] === CR && this.bytes[this.#at + 1] === LF) this.#at += 2;
    const end = this.bytes.indexOf(END_OF_HEAD, Math.max(this.#at, this.#scanned - END_OF_HEAD.length + 1));
    if (end < 0 || end - this.#at > MAX_HEAD) {
      this.#refuseEarly();
      this.#scanned = this.bytes.length;
      if (this.#at === this.bytes.length) this.#forget();
      return false;
    }
    this.forwarded = '';
    this.#readHeaders(this.#readRequestLine(), end + 2);
    this.#at = end + END_OF_HEAD.length;
    return true;
  }

  #skipBody(): void {
    const skipped = Math.min(this.#body, this.bytes.length - this.#at);
    this.#body -= skipped;
    this.#at += skipped;
  }

  /** An idle connection holds no memory that once was read into. */
  #forget(): void {
    this.bytes = NOTHING;
    this.#at = 0;
    this.#scanned = 0;
  }

  /** @throws BadRequest where the rest need not be waited for */
  #refuseEarly(): void {
    const { bytes } = this;
    const first = bytes[this.#at];
    if (first !== undefined && first !== CR && !isToken(first))
      throw new BadRequest(400, 'this is no HTTP request');
    if (bytes.length - this.#at <= MAX_HEAD) return;
    const line = bytes.indexOf(LF, this.#at);
    if (line < 0 || line - this.#at > MAX_HEAD) throw new BadRequest(414, 'the request line is too long');
    throw new BadRequest(431, 'the headers are too long');
  }

  /** @returns where the first header begins */
  #readRequestLine(): number {
    const { bytes } = this;
    let at = this.#at;
    if (startsWith(bytes, at, GET)) {
      this.method = 'GET';
      at += GET.length;
    } else {
      const start = at;
      while (isToken(bytes[at]!) && at - start < MAX_METHOD) at++;
      if (at === start || bytes[at] !== SPACE) throw new BadRequest(400, 'the request line is broken');
      this.method = bytes.toString('latin1', start, at++);
    }
    this.targetStart = at;
    // Clients that do not escape all bytes of an info hash are served too.
    while (bytes[at]! > SPACE && bytes[at] !== 0x7f) at++;
    this.targetEnd = at;
    if (at === this.targetStart || bytes[at] !== SPACE || !startsWith(bytes, at + 1, VERSION))
      throw new BadRequest(400, 'the request line is broken');
    at += 1 + VERSION.length;
    const minor = bytes[at]! - 0x30;
    if (minor < 0 || minor > 9 || bytes[at + 1] !== CR || bytes[at + 2] !== LF)
      throw new BadRequest(400, 'the request line is broken');
    this.old = minor === 0;
    this.keepAlive = !this.old;
    return at + 3;
  }

  /** @param end of the last header's line */
  #readHeaders(start: number, end: number): void {
    const { bytes } = this;
    let length = -1;
    for (let at = start; at < end; ) {
      const name = at;
      while (isToken(bytes[at]!)) at++;
      const nameEnd = at;
      if (nameEnd === name || bytes[at++] !== COLON) throw new BadRequest(400, 'a header is broken');
      while (bytes[at] === SPACE || bytes[at] === TAB) at++;
      const value = at;
      while (bytes[at]! >= SPACE || bytes[at] === TAB) at++;
      if (bytes[at] !== CR || bytes[at + 1] !== LF) throw new BadRequest(400, 'a header is broken');
      if (isName(bytes, name, nameEnd, 'connection')) this.#readConnection(value, at);
      else if (isName(bytes, name, nameEnd, 'content-length')) {
        if (length >= 0) throw new BadRequest(400, 'the length is given twice');
        length = this.#readLength(value, at);
      } else if (isName(bytes, name, nameEnd, 'transfer-encoding'))
        throw new BadRequest(411, 'a body has to say its length');
      else if (isName(bytes, name, nameEnd, 'expect')) throw new BadRequest(417, 'no body is wanted here');
      else if (isName(bytes, name, nameEnd, this.#forwardedHeader)) {
        const from = bytes.toString('latin1', value, at);
        this.forwarded = this.forwarded === '' ? from : `${this.forwarded},${from}`;
      }
      at += 2;
    }
    this.#body = Math.max(length, 0);
  }

  #readConnection(start: number, end: number): void {
    const value = this.bytes.toString('latin1', start, end);
    if (/(?:^|,)\s*close\s*(?:,|$)/i.test(value)) this.keepAlive = false;
    else if (this.old && /(?:^|,)\s*keep-alive\s*(?:,|$)/i.test(value)) this.keepAlive = true;
  }

  #readLength(start: number, end: number): number {
    const value = this.bytes.toString('latin1', start, end).trimEnd();
    if (!/^\d{1,15}$/.test(value)) throw new BadRequest(400, 'the length is no number');
    const length = Number(value);
    if (length > MAX_BODY) throw new BadRequest(413, 'no body is wanted here');
    return length;
  }
}

/** RFC 9110's characters of methods and of header names. */
const TOKEN = Uint8Array.from({ length: 256 }, (_, code) =>
  /[!#$%&'*+.^_`|~0-9A-Za-z-]/.test(String.fromCharCode(code)) ? 1 : 0,
);

function isToken(code: number): boolean {
  return TOKEN[code] === 1;
}

function startsWith(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[at + i] !== wanted[i]) return false;
  return true;
}

/** @param wanted in lower case; an empty name is none */
function isName(bytes: Buffer, start: number, end: number, wanted: string): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) {
    const code = bytes[start + i]!;
    const lower = code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
    if (lower !== wanted.charCodeAt(i)) return false;
  }
  return true;
}
