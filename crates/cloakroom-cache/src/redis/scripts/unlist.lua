-- Removes a session from its owner's index, unless it was noted there again.
-- KEYS: index. ARGV: id, until when it was shown.
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
