-- KEYS: session. ARGV: now, seen stamp, new deadline, time to live, and until when the owner's index
-- shows it, or ''.
local head, why = living(KEYS[1], tonumber(ARGV[1]), 0)
if not head then
  return why
elseif stamp(head) ~= ARGV[2] or moment(head, 2) >= moment(ARGV[3], 1) then
  return SKIPPED
elseif ARGV[5] == '' and is_owned(head) and moment(ARGV[3], 1) > moment(head, 8) then
  return { UNLISTED, owner(KEYS[1], head) }
end
redis.call('SETRANGE', KEYS[1], 1, ARGV[3] .. ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return WRITTEN
