import { type Script, script } from './script.ts';
import { SWARM } from './swarm-script.ts';

/** Peers that an announce drops at most before it does its own work. */
const AT_ONCE = 64;

/**
 * One announce. ARGV[1], packed: role (0 leecher, 1 seed, 2 gone), flags (1 completed, 2 peers of both families), how many
 * records are wanted at random and how many near, a random number, time to live, when it was sent by Redis's time (0 for
 * unknown), length of the endpoint, endpoint, identity.
 *
 * Answers packed figures and records: counts of those near, of the asker's family and of the other one, and these.
 */
export const ANNOUNCE: Script = script(`${SWARM}
local a = ARGV[1]
local role, flags, want, close, seed, ttl, sent, length = unpick('<BBI2I2I4I4dB', a)
life = 3 * ttl + 600000
math.randomseed(seed)
if not head then wipe() end
if expire(${AT_ONCE}) then
  save()
  return figures(1, changed and 1 or 0)
end
local endpoint, identity, said = sub(a, 24, 23 + length), sub(a, 24 + length), moment(sent)
heard = said
if said < now and overtaken(endpoint, said + ttl) then
  if changed then save() end
  return figures(0, changed and 1 or 0) .. pack('<I2I2I2', 0, 0, 0)
end
local value = head and call('HGET', I, endpoint)
local member = value and value ~= ''
local nearby, own, other = {}, 0, 0
local s1, s2, l1, l2, s3, s4, l3, l4 = '', '', '', '', '', '', '', ''
if role == 2 then
  if member then
    drop(endpoint, value)
    tell('-', sub(value, 5, 25), endpoint)
  end
  call('HSET', I, endpoint, '')
else
  if flags % 2 == 1 and role == 1 and not (member and byte(value, 25) % 2 == 1) then
    completed, changed = completed + 1, true
  end
  if not member then
    place(endpoint, identity)
    tell('+', sub(identity, 1, 21), endpoint)
  elseif sub(value, 5) ~= identity then
    if sub(value, 5, 25) == sub(identity, 1, 21) and sub(value, 27) == sub(identity, 23) then
      count(sub(value, 5), -1)
      count(identity, 1)
      call('HSET', I, endpoint, sub(value, 1, 4) .. identity)
    else
      drop(endpoint, value)
      place(endpoint, identity)
      if byte(value, 25) % 2 ~= byte(identity, 21) % 2 then tell('+', sub(identity, 1, 21), endpoint) end
    end
  elseif #identity > 23 then
    label(identity, endpoint, 'SADD')
  end
  first, expires = math.min(first, said), math.max(expires, said + ttl)
end
remember(endpoint, said + ttl)
turn()
announces = announces + 1
local wanted = changed and 1 or 0
if now - indexed >= ttl / 2 or indexed > now then
  indexed, wanted = now, 1
  lengthen()
end
save()

-- In pieces: Lua reads every byte of each string that it makes.
local function window(kind, width, most)
  local size = n[kind]
  if most > size then most = size end
  if most == 0 then return '', '' end
  local from = most < size and random(0, size - 1) or 0
  local array, past, rest = p .. ':' .. kind, from + most - size, ''
  if past > 0 then rest = call('GETRANGE', array, 0, past * width - 1) end
  local records = call('GETRANGE', array, from * width, math.min(from + most, size) * width - 1)
  if #records + #rest < most * width then error('incomplete') end
  return records, rest
end
local function draw(family, width)
  local leechers, seeds = n['L' .. family], role == 0 and n['S' .. family] or 0
  local size = leechers + seeds
  local some = seeds
  if want < size then some = floor(want * seeds / size + random()) end
  local s1, s2 = window('S' .. family, width, some)
  local l1, l2 = window('L' .. family, width, want - some)
  return (#s1 + #s2 + #l1 + #l2) / width, s1, s2, l1, l2
end
local width, otherWidth = length + 21, length == 6 and 39 or 27
if role < 2 and want > 0 then
  local family = length == 6 and '4' or '6'
  if close > 0 then
    local node, zone = near(identity, endpoint, role == 1)
    if node then nearby = call('SRANDMEMBER', node, close) end
    if zone then
      for _, record in ipairs(call('SRANDMEMBER', zone, 2 * close)) do nearby[#nearby + 1] = record end
    end
  end
  own, s1, s2, l1, l2 = draw(family, width)
  if flags >= 2 and own < want then other, s3, s4, l3, l4 = draw(family == '4' and '6' or '4', otherWidth) end
end
local counts = pack('<I2I2I2', #nearby, own, other)
return figures(0, wanted) .. counts .. table.concat(nearby) .. s1 .. s2 .. l1 .. l2 .. s3 .. s4 .. l3 .. l4
`);

/**
 * Takes over what others have heard. ARGV[1], packed: time to live, a random number, when it was sent; from ARGV[3] on a
 * peer each, packed: milliseconds since, when it was heard by Redis's time in place of that (0 for unknown), role, length of
 * the endpoint, endpoint, identity.
 */
export const RESTORE: Script = script(`${SWARM}
local ttl, seed, sent = unpick('<I4I4d', ARGV[1])
life = 3 * ttl + 600000
math.randomseed(seed)
if not head then wipe() end
if expire(${AT_ONCE}) then
  save()
  return figures(1, changed and 1 or 0)
end
local taken = false
if sent > 0 then heard = math.min(now, floor(sent)) end
for k = 3, #ARGV do
  local a = ARGV[k]
  local age, said, role, length = unpick('<ddBB', a)
  local endpoint, identity = sub(a, 19, 18 + length), sub(a, 19 + length)
  if said == 0 then said = floor(heard - age) end
  if not overtaken(endpoint, said + ttl) then
    local value = call('HGET', I, endpoint)
    local member = value and value ~= ''
    if role == 2 then
      if member then
        drop(endpoint, value)
        tell('-', sub(value, 5, 25), endpoint)
      end
      call('HSET', I, endpoint, '')
    else
      if not (member and sub(value, 5) == identity) then
        if member then drop(endpoint, value) end
        place(endpoint, identity)
      end
      if not member or byte(value, 25) % 2 ~= byte(identity, 21) % 2 then
        tell('+', sub(identity, 1, 21), endpoint)
      end
      first, expires = math.min(first, said), math.max(expires, said + ttl)
    end
    remember(endpoint, said + ttl)
    taken = true
  end
end
if not taken and not changed then return figures(0, 0) end
indexed = now
if head then lengthen() end
save()
if not head then lengthen() end
return figures(0, 1)
`);

/**
 * Drops who is due, and the swarm when it is over. ARGV[1], packed: how many peers to drop at most, whether to answer the
 * distribution too.
 *
 * Answers packed figures, whether the swarm is known (1) or over and gone (2), when it was first seen, when nobody will be
 * left, announces a second, and pairs of exponent and leechers.
 */
export const LOOK: Script = script(`${SWARM}
local limit, distribution = unpick('<I2B', ARGV[1])
local again = expire(limit) and 1 or 0
local known = expires > now and 1 or 0
if oldest == NEVER and known == 0 then
  known = 2
  wipe()
  if news[1] then call('SPUBLISH', p .. ':c', table.concat(news)) end
elseif changed then
  save()
end
local leechers = {}
if distribution == 1 and known == 1 then
  local flat = call('HGETALL', p .. ':d')
  for k = 1, #flat, 2 do
    if tonumber(flat[k + 1]) > 0 then leechers[#leechers + 1] = pack('<BI4', flat[k], flat[k + 1]) end
  end
end
turn()
local rate = (announces + before * (1 - now % 60000 / 60000)) / 60
return figures(again, changed and 1 or 0) .. pack('<Bddd', known, first, expires, rate) .. table.concat(leechers)
`);

/**
 * Who has announced since a moment, and who has left, oldest first; of those who only announced again it is told too that they
 * have come. ARGV[1], packed: that moment, time to live, how many at most, who are the last.
 *
 * Answers packed figures, and changes as they are told on the channel. Of who has left only the endpoint is known.
 */
export const SINCE: Script = script(`${SWARM}
local since, ttl, limit = unpick('<dI4I2', ARGV[1])
local from = math.max(since + ttl, now + 1)
local last = call('ZREVRANGEBYSCORE', E, '+inf', from, 'LIMIT', 0, limit)
for k = #last, 1, -1 do
  local endpoint = last[k]
  local value = call('HGET', I, endpoint)
  if value == '' then
    tell('-', string.rep('\\0', 21), endpoint)
  elseif value then
    tell('+', sub(value, 5, 25), endpoint)
  end
end
return figures(0, 0) .. table.concat(news)
`);

/** Forgets a swarm of which not all is there. */
export const WIPE: Script = script(`${SWARM}
wipe()
return ''
`);
