import { type Script, script } from './script.ts';

/** Bytes of one swarm in a report, see `REPORT`. */
export const REPORT_LENGTH = 49;

/**
 * One shard of the index of swarms. Its keys:
 *
 * - `:o` a sorted set of info hashes, all of one score, so that it is in the order of bytes
 * - `:d` the same by when somebody should look after the swarm
 * - `:f` a hash from info hash to figures: when they were taken, seeders, leechers, downloads
 * - `:t` their sums
 *
 * ARGV[1]: reports, packed: info hash, whether the swarm is there (2 for only to be looked after), seeders, leechers, downloads, when they were taken,
 * when to look. One that is older than what is known is passed over.
 */
export const REPORT: Script = script(`
local p, call, unpick, reports = KEYS[1], redis.call, struct.unpack, ARGV[1]
local seeders, leechers, completed = 0, 0, 0
for at = 1, #reports, ${REPORT_LENGTH} do
  local hash = string.sub(reports, at, at + 19)
  local there, s, l, c, stamp, due = unpick('<BI4I4I4dd', reports, at + 20)
  local known = call('HGET', p .. ':f', hash)
  local before, s0, l0, c0 = 0, 0, 0, 0
  if known then before, s0, l0, c0 = unpick('<dI4I4I4', known) end
  if stamp >= before then
    if there == 1 then
      call('HSET', p .. ':f', hash, struct.pack('<dI4I4I4', stamp, s, l, c))
      call('ZADD', p .. ':d', due, hash)
      if not known then call('ZADD', p .. ':o', 0, hash) end
    else
      s, l, c = 0, 0, 0
      if known then
        call('HDEL', p .. ':f', hash)
        call('ZREM', p .. ':o', hash)
      end
      if there == 2 then call('ZADD', p .. ':d', due, hash) else call('ZREM', p .. ':d', hash) end
    end
    seeders, leechers, completed = seeders + s - s0, leechers + l - l0, completed + c - c0
  end
end
if seeders ~= 0 then call('HINCRBY', p .. ':t', 's', seeders) end
if leechers ~= 0 then call('HINCRBY', p .. ':t', 'l', leechers) end
if completed ~= 0 then call('HINCRBY', p .. ':t', 'c', completed) end
if call('EXISTS', p .. ':f') == 0 then call('DEL', p .. ':t') end
return ''
`);

/**
 * Swarms that somebody should look after by now, who is whoever asks: others are given them after a while only.
 * ARGV: how many at most, milliseconds in place of Redis's time or '', milliseconds of a while.
 */
export const CLAIM: Script = script(`
local p, call = KEYS[1], redis.call
local time = call('TIME')
local now = tonumber(ARGV[2]) or math.floor(time[1] * 1000 + time[2] / 1000)
local due = call('ZRANGEBYSCORE', p .. ':d', '-inf', now, 'LIMIT', 0, ARGV[1])
for _, hash in ipairs(due) do call('ZADD', p .. ':d', now + ARGV[3], hash) end
return table.concat(due)
`);
