/** Whether the connection goes on, and whether that has to be said. */
export type Persistence = 'open' | 'open-said' | 'closed';

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  411: 'Length Required',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
};
const CONNECTION: Readonly<Record<Persistence, string>> = {
  open: '',
  'open-said': 'Connection: keep-alive\r\n',
  closed: 'Connection: close\r\n',
};

/** Writers of the head before a body of so many bytes. Trackers have always called bencode plain text. */
export const HEADS: Readonly<Record<Persistence, (bodyLength: number) => string>> = {
  open: headOf(200, 'open'),
  'open-said': headOf(200, 'open-said'),
  closed: headOf(200, 'closed'),
};

export function bencodeAnswer(body: Uint8Array, persistence: Persistence): Buffer {
  return Buffer.concat([Buffer.from(HEADS[persistence](body.length), 'latin1'), body]);
}

/** @param text one line for people */
export function textAnswer(status: number, text: string, persistence: Persistence): Buffer {
  const body = `${text}\n`;
  const allow = status === 405 ? 'Allow: GET, HEAD\r\n' : '';
  return Buffer.from(headOf(status, persistence, allow)(body.length) + body, 'latin1');
}

/** What a HEAD request gets of `answer`. */
export function withoutBody(answer: Buffer): Buffer {
  return answer.subarray(0, answer.indexOf('\r\n\r\n') + 4);
}

function headOf(status: number, persistence: Persistence, more = ''): (bodyLength: number) => string {
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: text/plain\r\n${more}${CONNECTION[persistence]}Content-Length: `;
  return (bodyLength) => `${head}${bodyLength}\r\n\r\n`;
}
