-- access_by_lua: what becomes of a request. The common one (no policy, a plain HTTP upstream, a small body or none)
-- goes on in the same location; what nginx can only be told by configuration (upstreams over TLS, streamed bodies,
-- another target) goes to a location that was prepared for it.
local base = require "resty.core.base"
local common = require "kapal.common"
local endpoints = require "kapal.endpoint"
local find = require "kapal.find"
local framing = require "kapal.framing"
local gates = require "kapal.gate"
local headers = require "kapal.headers"
local health = require "kapal.health"
local layout = require "kapal.layout"
local paths = require "kapal.path"
local place = require "kapal.place"
local pools = require "kapal.pool"
local prepared = require "kapal.prepared"
local request = require "kapal.request"
local retry = require "kapal.retry"
local secure = require "kapal.secure"
local state = require "kapal.state"

local var, ngx_now = ngx.var, ngx.now
local get_method, get_request = ngx.req.get_method, base.get_request
local sub = string.sub
local begin, current = request.begin, request.current

local M = {}

local CHALLENGE = "/.well-known/acme-challenge/"
-- Bodies up to here are held in memory before the request goes on, so that it can be repeated; larger ones are passed
-- on as they come.
local HELD_BODY = 65536

local function answer(ctx, status, fields)
  ctx.fields = fields
  return require("kapal.pages").answer(status, fields)
end

-- Whether the pool has an endpoint and no limit of connections, or what it lacks was there in time.
local function has_place(ctx)
  return #ctx.run.members > 0 and not ctx.run.config.maxConnections or place.enter(ctx)
end

local function answer_busy(ctx)
  return answer(ctx, 503, { ["Retry-After"] = "1" })
end

-- RFC 8555 8.3: the authority asks over plain HTTP, whatever else the host does with it.
local function answer_challenge(ctx)
  local path = ctx.path
  if sub(path, 1, #CHALLENGE) ~= CHALLENGE then return false end
  -- The answer as it is, no JSON.
  local text = ngx.shared.kapal:get("challenge:" .. ctx.name .. "/" .. sub(path, #CHALLENGE + 1))
  if type(text) ~= "string" then return false end
  ngx.header["Content-Type"] = "text/plain"
  ngx.header["Content-Length"] = #text
  ngx.print(text)
  ngx.exit(ngx.HTTP_OK)
  return true
end

-- Where HTTPS answers: the port in `https://HOST:PORT`, nothing for the usual one. 301 may turn a POST into a GET; 308
-- does not (RFC 9110 15.4.9).
local function to_https(ctx, method)
  local port = var.kapal_https_port
  local authority = (port and port ~= "" and port ~= "443") and ctx.name .. ":" .. port or ctx.name
  local status = (method == "GET" or method == "HEAD") and 301 or 308
  return require("kapal.pages").redirect(status, "https://" .. authority .. var.request_uri)
end

-- A body whose length is not told (RFC 9112 7.1), which nginx counts.
local COUNTED = "counted"

-- How the body goes: nil as usual, or the part of the location's name; 413 where it is too large. `framed`: there is a
-- Content-Length or Transfer-Encoding.
local function body_of(ctx, method, framed)
  if not framed and not ctx.secure then return nil end
  local length = var.content_length
  if length then
    local bytes = tonumber(length)
    if bytes > ctx.run.max_body then return nil, 413 end
    return bytes > HELD_BODY and "any" or nil
  end
  if var.http_transfer_encoding then return COUNTED end
  -- HTTP/2 needs neither field (RFC 9113 8.1.1). What comes with a GET that way means nothing (RFC 9110 9.3.1) and is
  -- not read.
  if ctx.secure and var.server_protocol == "HTTP/2.0" then
    if method ~= "GET" and method ~= "HEAD" then return COUNTED end
    ngx.req.discard_body()
  end
  return nil
end

-- Takes the matched path off the target as it was sent: as many segments as the route has, so that an escape in the
-- rest stays as it is.
local function strip(ctx)
  local prefix = ctx.route.path
  if prefix == "" then return nil end
  var.kapal_prefix = prefix
  -- Where a rule of the policy leads is asked as it stands.
  return ctx.target or require("kapal.policy.rules").stripped(prefix)
end

local function location(ctx, body)
  local way = ctx.pool.tls and secure.prepare(ctx) or "plain"
  if ctx.gzip then var.kapal_gzip = "1" end
  if body == COUNTED then body = prepared.size_for(way, ctx.run.max_body) end
  return "@" .. way .. "-" .. body
end

-- To a prepared location, where this request needs one.
local function go_on(ctx, body)
  local target = ctx.target
  if ctx.route.stripPath then target = strip(ctx) end
  if not (ctx.pool.tls or target or body or ctx.gzip) then
    ctx.common = not (ctx.policy or ctx.place or ctx.tried1)
    return
  end
  if target then var.kapal_target = target end
  ctx.streamed = body ~= nil
  return ngx.exec(location(ctx, body or "memory"))
end

--- In the location of error pages, for a request with `ctx.again`: there was no place at another endpoint. It is sent
--- again once there is one.
function M.again(ctx)
  ctx.again = nil
  -- On the way here it has become a GET.
  local method = ngx["HTTP_" .. (ctx.method or get_method())]
  if not method then return answer(ctx, 502) end
  ngx.req.set_method(method)
  if not has_place(ctx) then return answer_busy(ctx) end
  ctx.status = nil
  -- Else the answer would have the status of the error.
  ngx.status = 200
  return ngx.exec(location(ctx, "memory"))
end

local function proxy(ctx, method, framed)
  local run = ctx.run
  ctx.method = method
  ctx.attempts = 0
  ctx.idempotent = retry.idempotent(method)
  local body, refused = body_of(ctx, method, framed)
  if refused then return answer(ctx, refused) end
  if not has_place(ctx) then return answer_busy(ctx) end
  if pools.refuses(ctx.run) then return answer(ctx, 503, request.later()) end
  return go_on(ctx, body)
end

-- The route and its pool; nil where there is none.
local function find_pool(ctx)
  local route = find.find(ctx.name, ctx.path)
  local run = route and pools.get(route.pool)
  if not run then return nil end
  ctx.route, ctx.run, ctx.pool = route, run, run.config
  return run
end

local function routed(ctx, scheme, host, name, framed)
  local path = paths.of(var.request_uri)
  if not path then return answer(ctx, 400) end
  ctx.host, ctx.name, ctx.path = host, name, path
  ctx.secure = scheme == "https"
  if not ctx.secure and state.has_challenges() and answer_challenge(ctx) then return end
  if ctx.secure and not require("kapal.tls").covers(name) then return answer(ctx, 421) end
  local run = find_pool(ctx)
  if not run then return answer(ctx, 404) end
  run.requests = run.requests + 1
  local route, method = ctx.route, get_method()
  local policy = route.policy and state.get("policy:" .. route.policy)
  -- A trusted proxy in front may have spoken HTTPS with the client.
  if policy then
    ctx.policy = policy
    require("kapal.policy.chain").identify(policy, ctx)
  end
  if route.redirectToHttps and (ctx.scheme or scheme) == "http" then return to_https(ctx, method) end
  if policy and require("kapal.policy.chain").run(policy, ctx) then return end
  if run.config.kind == "static" then return require("kapal.static").serve(run.config, ctx) end
  return proxy(ctx, method, framed)
end

-- A common request whose one try has failed: it goes on as one that is looked at closely, to another endpoint.
local function resume(ctx, before, scheme)
  local way = before.way
  ctx.name, ctx.path, ctx.route, ctx.run, ctx.pool = way.name, way.path, way.route, before.run, before.run.config
  ctx.endpoint, ctx.waiting, ctx.began, ctx.secure = before.endpoint, before.waiting, before.asked, scheme == "https"
  ctx.method, ctx.idempotent, ctx.attempts, ctx.cut = "GET", true, 1, before.cut
  before.endpoint = nil
  if not retry.go_on(ctx, ngx_now(), retry.last_status(), retry.bytes_sent()) then return answer(ctx, ctx.status) end
  if not has_place(ctx) then return answer_busy(ctx) end
  return go_on(ctx, nil)
end

--- Decides on a request. `scheme`: of the listener, `http` or `https`.
function M.access(scheme)
  state.refresh()
  local ctx, before = begin()
  ctx.began = ngx_now()
  ctx.common, ctx.member, ctx.run, ctx.pool = false, nil, nil, nil
  if before and not common.is_over(before) then return resume(ctx, before, scheme) end
  local status, host, name, framed = headers.check()
  if status then return answer(ctx, status) end
  layout.learn()
  common.try(get_request(), ctx)
  return routed(ctx, scheme, host, name, framed)
end

-- What the endpoint sent is no HTTP: nothing of it goes to the client. Another endpoint is not asked, for nginx would
-- write no head for its answer.
local function refuse(ctx)
  retry.blame(ctx, ngx_now(), 1)
  ctx.status, ctx.common = 502, false
  -- Not 502, after which nginx would keep the connection.
  return ngx.exit(500)
end

--- header_filter_by_lua: the head of an answer goes out.
function M.answered()
  local ctx = current()
  if not ctx then return end
  if ctx.waiting and request.is_upstreams(ngx.status) then
    if framing.is_malformed() then return refuse(ctx) end
    local endpoint, now = ctx.endpoint, ngx_now()
    endpoints.heard(endpoint, now)
    if ctx.upload then endpoint.uploads = endpoint.uploads - 1 else gates.answered(endpoint.gate, now - ctx.asked) end
    ctx.upload = false
    endpoints.trust(endpoint, now)
    health.answering(endpoint)
    ctx.waiting = false
    common.tried(ctx, false)
  end
  local run = ctx.run
  if not run then return end
  if run.by_cookie and run.config.sticky and ctx.member then M.hand_over(ctx) end
  local secure = (ctx.scheme or (ctx.secure and "https")) == "https"
  if ctx.route.hsts and secure then
    run.own_hsts = ngx.header["Strict-Transport-Security"] ~= nil
    if not run.own_hsts then ngx.header["Strict-Transport-Security"] = request.hsts(ctx.route.hsts) end
  end
  if ctx.policy then headers.filter(ctx) end
end

--- Gives the visitor the cookie of the endpoint that answers, unless it is the one that the cookie names.
function M.hand_over(ctx)
  local sticky = require "kapal.sticky"
  if ctx.waiting or sticky.preferred(ctx.run) == ctx.member then return end
  require("ngx.resp").add_header("Set-Cookie", sticky.set_cookie(ctx.run.config.sticky, ctx.member, ctx.secure))
end

return M
