-- In front of every script for a site's cache. A value is what the site's format writes, and is compared as a whole; how long the key
-- lives is when the session ends.
local GONE, WRITTEN, CONFLICT, SKIPPED, FOREIGN = 0, 1, 2, 3, -1

-- What is there. Or nothing, and what to answer.
local function value_of(key)
  local value = redis.pcall('GET', key)
  if not value then
    return nil, GONE
  elseif type(value) == 'string' then
    return value
  elseif string.find(value.err, 'WRONGTYPE', 1, true) then
    return nil, FOREIGN
  end
  return nil, value
end

local function conflict(key, value)
  return { CONFLICT, value, redis.call('PTTL', key) }
end

-- For so many seconds; for none there is nothing to keep.
local function put(key, value, seconds)
  if seconds == '0' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, value, 'EX', seconds)
  end
end
