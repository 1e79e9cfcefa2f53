-- Removes a record whose deadline has come. KEYS: session. ARGV: that moment.
local head = peek(KEYS[1], HEAD)
if head and is_record(head) and moment(head, 2) <= tonumber(ARGV[1]) then
  return redis.call('DEL', KEYS[1])
end
return 0
