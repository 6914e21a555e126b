-- The common request, in balancer_by_lua: mostly its only step in Lua. GET over HTTP/1 without a body
-- (src/edge/nginx/config/server.ts lets no other come here), a head in which nothing has to be taken off, a route without
-- policy, a pool that asks for nothing special, and an endpoint that is well and has proved to speak HTTP. nginx has
-- built what it sends by then, from its own variables alone. Every other request leaves for @careful, where kapal.route
-- looks at it from the beginning.
--
-- There is no loop in here, nor in what it calls for a small head: LuaJIT compiles no function around one.
local common = require "kapal.common"
local endpoints = require "kapal.endpoint"
local find = require "kapal.find"
local framing = require "kapal.framing"
local headers = require "kapal.headers"
local layout = require "kapal.layout"
local openssl = require "kapal.openssl"
local paths = require "kapal.path"
local plain = require "kapal.plain"
local pools = require "kapal.pool"
local prepared = require "kapal.prepared"
local request = require "kapal.request"
local state = require "kapal.state"

local var = ngx.var
local begin, trusts, is_named = common.begin, endpoints.trusts, openssl.is_named

local M = {}

-- Bytes beside the line of the request and Host up to which a head is looked at by one expression, which looks at each byte
-- several times; a larger one is looked at field by field.
local SHORT_HEAD = 96

-- Whether all is known that a common request takes for granted.
local is_ready = false

--- Looks whether there may be common requests; in each beat.
function M.prepare()
  is_ready = layout.known and framing.knows_heads() and plain.ready and common.ready
end

-- What is known of targets that were asked for as they are: { run, route, name, path, port } by Host and target, until
-- anything in the table changes. Names without end must not fill the memory.
local known, count, MOST_KNOWN, LONGEST = {}, 0, 8192, 512
state.on_change(function() known, count = {}, 0 end)

local function keep(host, target, way)
  if #host + #target > LONGEST then return way end
  if count >= MOST_KNOWN then known, count = {}, 0 end
  local by_target = known[host]
  if not by_target then
    by_target = {}
    known[host] = by_target
  end
  by_target[target] = way
  count = count + 1
  return way
end

-- Nil where a target has no pool, or one for which its route wants more than to be asked.
local function find_way(host, target)
  local name, path, port = headers.host(host), paths.of(target), tonumber(string.match(host, ":(%d+)$"))
  -- Where Host names no port nginx by itself knows the one that the client sees, but only by a name in lower case
  -- (src/edge/nginx/config/server.ts); where it does, that has to be the listener's.
  if name ~= host and not port then return nil end
  local found = name and path and find.find(name, path)
  if not found or found.policy or found.stripPath then return nil end
  local run = pools.get(found.pool)
  if not run or not run.common then return nil end
  return keep(host, target, { run = run, route = found, name = name, path = path, port = port })
end

local function way_of(host, target)
  local by_target = known[host]
  return by_target and by_target[target] or find_way(host, target)
end

-- When the table was last looked at: once in a millisecond, which is what nginx's clock counts.
local refreshed

local function refresh(now)
  if now == refreshed then return end
  state.refresh()
  refreshed = now
end

-- Whether a request may go this way by the listener that it came to.
local function may_go(this, way)
  local route, port = way.route, way.port
  local named = is_named(this, way.name)
  if named == nil then return not route.redirectToHttps and (not port or port == prepared.http_port) end
  if route.hsts and not way.run.own_hsts then var.kapal_hsts = request.hsts(route.hsts) end
  -- What the client asked for by SNI is what it asks for now.
  return named and (not port or port == prepared.https_port)
end

--- The table of a common request and the member that is next in turn; nil for any other.
function M.take(this, key, now)
  if not is_ready then return nil end
  local target, host, name, before, behind, after = layout.head(this)
  if not target then return nil end
  if before + after <= SHORT_HEAD then
    if not plain.is_short(name, before, behind, after) then return nil end
  elseif not headers.isPlain(this) then
    return nil
  end
  refresh(now)
  local way = way_of(host, target)
  if not way or state.has_challenges() then return nil end
  local run = way.run
  if run.retired or not may_go(this, way) then return nil end
  local turn = run.turn % #run.members + 1
  local member = run.members[turn]
  local endpoint = member.endpoint
  if not trusts(endpoint, now) then return nil end
  local ctx = begin(this, key)
  if not ctx then return nil end
  ctx.asked, ctx.way, ctx.run, ctx.endpoint = now, way, run, endpoint
  run.requests, run.turn = run.requests + 1, turn
  endpoints.enter(endpoint, now)
  return ctx, member
end

return M
