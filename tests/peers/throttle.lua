-- What wrk sends: one question after another about an account by chance.

local accounts, limit, seconds
local head = { ["Content-Type"] = "application/json" }

function init(arguments)
  accounts, limit, seconds = tonumber(arguments[1]), arguments[2], arguments[3]
end

function request()
  local key = string.format("bench-%012d", math.random(0, accounts - 1))
  local body = string.format('{"key":"%s","max_burst":%s,"count_per_period":%s,"period":%s}', key, limit, limit, seconds)
  return wrk.format("POST", "/throttle", head, body)
end
