-- Sends one request over and over, with each visitor's cookie in turn, and tells at the end how that went.
-- Arguments: the method, then the cookies.

local requests, turn = {}, 0

function init(arguments)
    for place = 2, #arguments do
        requests[place - 1] = wrk.format(arguments[1], nil, { Cookie = arguments[place] })
    end
end

function request()
    turn = turn % #requests + 1
    return requests[turn]
end

function done(summary, latency)
    local errors = summary.errors
    local broken = errors.connect + errors.read + errors.write + errors.timeout
    local fields = { summary.requests, summary.duration, errors.status, broken, latency:percentile(50), latency:percentile(99) }
    for place, field in ipairs(fields) do fields[place] = string.format("%d", field) end
    print("load " .. table.concat(fields, " "))
end
