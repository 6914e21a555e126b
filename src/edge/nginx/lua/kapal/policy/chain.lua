-- What a service asks of requests before they reach its pool, in the order of src/edge/policy.ts.

local client = require("kapal.policy.client")
local compression = require("kapal.policy.compression")
local connections = require("kapal.policy.connections")
local limits = require("kapal.policy.limits")
local networks = require("kapal.policy.networks")
local pages = require("kapal.pages")
local password = require("kapal.policy.password")
local rules = require("kapal.policy.rules")

local _M = {}

local LONGEST_KEY = 48

-- Policies as they are asked, made once for each parsed policy: the worker's cache of entries drops both together.
local compiled = setmetatable({}, { __mode = "k" })

local function compileLimits(policy)
  local made = {}
  for index, limit in ipairs(policy.rateLimits or {}) do
    local interval = 1 / limit.requestsPerSecond
    made[index] = {
      interval = interval,
      depth = limit.burst * interval,
      key = limit.key,
      name = policy.id .. "|" .. index .. "|" .. interval .. "|",
    }
  end
  return #made > 0 and made or nil
end

local function compileConnections(policy)
  local limit = policy.connectionLimit
  return limit and { most = limit.connections, key = limit.key, name = policy.id .. "|" } or nil
end

local function compile(policy)
  local made = {
    trusted = policy.trustedProxies and networks.compile(policy.trustedProxies),
    allow = policy.allow and networks.compile(policy.allow),
    deny = policy.deny and networks.compile(policy.deny),
    limits = compileLimits(policy),
    connections = compileConnections(policy),
    auth = policy.basicAuth and password.compile(policy.basicAuth),
    rules = policy.rules and rules.compile(policy.rules),
    responses = policy.responseHeaders and rules.compileFields(policy.responseHeaders),
  }
  made.addressed = (made.allow or made.deny or made.limits or made.connections or made.trusted) and true or false
  compiled[policy] = made
  return made
end

-- The policy in the form in which it is asked.
function _M.compiled(policy)
  return compiled[policy] or compile(policy)
end

-- Which client it is, in a few bytes: an IPv6 client has its whole /64.
local function clientKey(key, ctx)
  if key.kind == "header" then
    local value = ngx.req.get_headers(0)[key.name]
    if type(value) == "table" then value = table.concat(value, ", ") end
    if value then return "h" .. (#value > LONGEST_KEY and ngx.md5_bin(value) or value) end
  end
  local bytes = ctx.clientBytes or ""
  return "a" .. (#bytes == 16 and string.sub(bytes, 1, 8) or bytes)
end

local function rateLimited(made, ctx)
  local keys = {}
  for index, limit in ipairs(made.limits) do keys[index] = limit.name .. clientKey(limit.key, ctx) end
  return limits.admit(ngx.shared.kapal_limits, made.limits, keys)
end

-- Who has no address that can be read gets in nowhere that asks for one.
local function refusedByAddress(made, ctx)
  local bytes = ctx.clientBytes
  if not bytes or (made.deny and networks.holds(made.deny, bytes)) then return true end
  return made.allow and not networks.holds(made.allow, bytes)
end

-- A place under the limit of connections, kept until `done`.
local function hold(made, ctx)
  local limit = made.connections
  local held = connections.hold(ngx.shared.kapal_holds, limit.name .. clientKey(limit.key, ctx) .. "|", limit.most)
  ctx.held = held
  return held ~= nil
end

local function authenticate(made)
  local status = password.check(made.auth)
  if not status then
    ngx.req.clear_header("Authorization")
    return false
  end
  if status == 401 then return pages.answer(401, { ["WWW-Authenticate"] = made.auth.challenge }) or true end
  return pages.answer(status, { ["Retry-After"] = "1" }) or true
end

-- The id of the request is settled before a policy is looked at (src/edge/nginx/config/proxy.ts, where its form stands as well).
local function renewId(value)
  local var = ngx.var
  local given = value and #value >= 8 and #value <= 64 and not string.find(value, "[^%w.-]")
  var.kapal_request_id = given and value or string.format("%.3f-%s-%s", ngx.now(), var.connection, var.connection_requests)
end

-- Changes of the request's own fields: the last thing before the pool.
local function changeFields(changes)
  for index = 1, #changes do
    local change = changes[index]
    local value = change.value
    -- cjson reads null as a userdata. nginx takes an empty value for a removal; a blank around a value means nothing (RFC 9110 5.5).
    if type(value) == "string" then
      ngx.req.set_header(change.name, value == "" and " " or value)
    else
      ngx.req.clear_header(change.name)
    end
    if string.lower(change.name) == "x-request-id" then renewId(type(value) == "string" and value) end
  end
end

-- Who asks, and over what: before anything else of a route is looked at, for its redirect to HTTPS depends on it.
function _M.identify(policy, ctx)
  local made = compiled[policy] or compile(policy)
  if made.trusted then client.identify(made.trusted, ctx) end
end

-- Applies the policy to the request. True where it has been answered: nothing more is to be done with it.
function _M.run(policy, ctx)
  local made = compiled[policy] or compile(policy)
  if made.addressed and not made.trusted then client.identify(nil, ctx) end
  if policy.maintenance then
    return pages.answer(503, { ["Retry-After"] = tostring(policy.maintenance.retryAfter) }, "maintenance") or true
  end
  if (made.deny or made.allow) and refusedByAddress(made, ctx) then return pages.answer(403) or true end
  if made.limits then
    local wait = rateLimited(made, ctx)
    if wait then return pages.answer(429, { ["Retry-After"] = tostring(wait) }) or true end
  end
  if made.connections and not hold(made, ctx) then return pages.answer(429, { ["Retry-After"] = "1" }) or true end
  if made.auth and authenticate(made) then return true end
  -- Files that exist come before rules: there static.lua asks for them.
  if made.rules and ctx.pool and ctx.pool.kind ~= "static" and rules.apply(made.rules, ctx) then return true end
  if policy.requestHeaders then changeFields(policy.requestHeaders) end
  if policy.gzip then ctx.gzip = true end
  return false
end

-- Fields of every answer under the policy, the edge's own included (header_filter_by_lua).
function _M.answered(policy, ctx)
  local made = compiled[policy] or compile(policy)
  if made.responses then rules.changeAnswer(made.responses, ctx) end
  if ctx.gzip then compression.decide() end
end

-- The request is over (log_by_lua).
function _M.done(ctx)
  local held = ctx.held
  if held then
    ctx.held = nil
    connections.release(ngx.shared.kapal_holds, held)
  end
end

return _M
