-- One decision: the request's first answer, or rate gate, balance check, hold, event and answer in one step.
-- The answer is "CODE AVAILABLE".

local account, request, price, limit, window_ms = unpack(ARGV)
local balance, admitted, answered = "balance:" .. account, "window:" .. account, "answer:" .. request

local first = redis.call("GET", answered)
if first then return first end

local available = tonumber(redis.call("HGET", balance, "available"))
if not available then return redis.error_reply("UNKNOWN_ACCOUNT") end

local time = redis.call("TIME")
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZREMRANGEBYSCORE", admitted, "-inf", now_ms - window_ms)

local code, held = "ALLOWED", tonumber(price)
if redis.call("ZCARD", admitted) >= tonumber(limit) then
  code, held = "RATE_LIMITED", 0
elseif available < held then
  code, held = "INSUFFICIENT_CREDIT", 0
end

if code == "ALLOWED" then
  redis.call("ZADD", admitted, now_ms, request)
  redis.call("HINCRBY", balance, "held", held)
  available = redis.call("HINCRBY", balance, "available", -held)
end
redis.call("XADD", "ledger", "*", "request", request, "account", account, "code", code, "held", held, "available", available)

local answer = code .. " " .. available
redis.call("SET", answered, answer, "EX", 86400)
return answer
