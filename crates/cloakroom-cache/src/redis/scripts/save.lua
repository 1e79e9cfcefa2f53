-- KEYS: session. ARGV: now, seen stamp, our stamp, record, time to live,
-- owner with its length, and '1' if the record says until when the owner's index shows it.
local listed = ARGV[7] == '1'
local head, why = living(KEYS[1], tonumber(ARGV[1]), #ARGV[6] - 4)
if not head then
  return why
elseif stamp(head) == ARGV[3] then
  return WRITTEN
elseif stamp(head) ~= ARGV[2] then
  return { CONFLICT, redis.call('GET', KEYS[1]) }
end
local keeps_entry = not listed and is_owned(ARGV[4])
if keeps_entry and (string.sub(head, 30) ~= ARGV[6] or moment(ARGV[4], 2) > moment(head, 8)) then
  return UNLISTED
end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
if keeps_entry then
  redis.call('SETRANGE', KEYS[1], 7, string.sub(head, 8, 13))
end
return WRITTEN
