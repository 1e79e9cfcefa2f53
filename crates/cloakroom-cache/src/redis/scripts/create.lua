-- Asked when an id was taken: by our own write, by somebody else's, or by a record that is dead?
-- KEYS: session. ARGV: now, our stamp, record, time to live.
local now = tonumber(ARGV[1])
local head, why = peek(KEYS[1], HEAD)
if not head then
  return why
elseif head == '' then
  -- It ended meanwhile, and it may have been our own.
  return GONE
elseif not is_record(head) then
  return FOREIGN
elseif moment(head, 2) <= now then
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  return WRITTEN
elseif stamp(head) == ARGV[2] then
  return WRITTEN
end
return { CONFLICT, redis.call('GET', KEYS[1]) }
