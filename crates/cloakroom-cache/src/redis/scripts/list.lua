-- Notes a session in its owner's index, and answers until when it is shown: later than any entry for it
-- before, so that whoever removes an older one does not remove this.
-- KEYS: index. ARGV: id, until when at least, when an entry is long dead, time to live.
local until_when = tonumber(ARGV[2])
local there = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if there >= until_when then
  until_when = there + 1
end
local score = string.format('%.0f', until_when)
redis.call('ZADD', KEYS[1], score, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return score
