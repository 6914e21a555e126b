-- The common request, in balancer_by_lua: its first and mostly only step in Lua before its end. GET or HEAD over HTTP/1
-- without a body (src/edge/nginx/config/variables.ts lets no other come here), a head in which nothing has to be taken
-- off, a route without policy, a pool that asks for nothing special, and endpoints that are all well and have proved to
-- speak HTTP. nginx has built what it sends by then, from its own variables alone. Every other request leaves for
-- @careful, where kapal.route looks at it from the beginning.
--
-- There is no loop in here, nor in what it calls for a small head: LuaJIT compiles no function around one.
local budget = require "kapal.budget"
local endpoints = require "kapal.endpoint"
local find = require "kapal.find"
local framing = require "kapal.framing"
local headers = require "kapal.headers"
local health = require "kapal.health"
local layout = require "kapal.layout"
local paths = require "kapal.path"
local plain = require "kapal.plain"
local pools = require "kapal.pool"
local prepared = require "kapal.prepared"
local request = require "kapal.request"
local state = require "kapal.state"

local var = ngx.var
local begin_common = request.begin_common

local M = {}

-- Bytes beside the line of the request and Host up to which a head is looked at by one expression, which looks at each byte
-- several times; a larger one is looked at field by field.
local SHORT_HEAD = 96

--- Common requests since the start of this worker.
M.served = 0

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

-- Whether a request may go this way by the listener that it came to, and whether that is the one of TLS.
local function may_go(way)
  local route, port = way.route, way.port
  -- Nil over plain HTTP; over TLS a handshake without a name is refused.
  local server_name = prepared.https_port and var.ssl_server_name
  if not server_name then return not route.redirectToHttps and (not port or port == prepared.http_port), false end
  if route.hsts and not way.run.own_hsts then var.kapal_hsts = request.hsts(route.hsts) end
  -- What the client asked for by SNI is what it asks for now.
  return server_name == way.name and (not port or port == prepared.https_port), true
end

local function begin(key, now, way, secure)
  local ctx, run = begin_common(key), way.run
  ctx.began, ctx.asked, ctx.way, ctx.secure = now, now, way, secure
  ctx.run, ctx.pool = run, run.config
  M.served = M.served + 1
  run.requests = run.requests + 1
  budget.arrived(run.budget, now)
  return ctx
end

--- The table of a common request and the member that is next in turn; nil for any other.
function M.take(this, key, now)
  if not health.calm or not layout.known or not framing.knows_heads() or not plain.ready then return nil end
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
  local go, secure = may_go(way)
  if not go or not run.proven or run.retired then return nil end
  local ctx = begin(key, now, way, secure)
  local turn = run.turn % #run.members + 1
  run.turn = turn
  local member = run.members[turn]
  ctx.member, ctx.endpoint = member, member.endpoint
  endpoints.enter(member.endpoint, now)
  return ctx, member
end

--- Fills in what only a repeat or a page needs to know.
function M.tell(ctx)
  local way = ctx.way
  ctx.name, ctx.path, ctx.route = way.name, way.path, way.route
end

return M
