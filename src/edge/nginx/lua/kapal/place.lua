-- Places at endpoints of pools with `maxConnections`, over all workers, and the queue before them, in which the first
-- endpoint of a pool is waited for too. A place is counted
-- twice in shared memory: in the sum, which decides, and under its worker's pid, so that what a dead worker held can be
-- taken off the sum.
local choice = require "kapal.choice"
local pools = require "kapal.pool"
local request = require "kapal.request"
local semaphore = require "ngx.semaphore"
local state = require "kapal.state"

local counters = ngx.shared.kapal_counters

local M = {}

-- Seconds after which a waiting request looks for itself: places that another worker gives back wake nobody here.
local LOOK_AGAIN = 0.01
-- While there is no endpoint: the next beat (kapal.wait) that knows of one wakes all that wait here.
local LOOK_FOR_ENDPOINT = 1
-- nginx's timers have milliseconds; a wait for less would not wait at all.
local SHORTEST = 0.001

-- Requests of this worker that wait, by pool, the oldest first.
local waiting = {}

local function add(key, count)
  counters:incr(key, count, 0)
  counters:incr(key .. ":" .. ngx.worker.pid(), count, 0)
end

-- One more, unless it would be more than `most`. It is counted first and looked at then: of two workers that look first,
-- both could take the last.
local function join(key, most)
  if counters:incr(key, 1, 0) > most then
    counters:incr(key, -1)
    return false
  end
  counters:incr(key .. ":" .. ngx.worker.pid(), 1, 0)
  return true
end

local limit = 0

local function is_full(endpoint)
  return (counters:get(endpoint.place) or 0) >= limit
end

local function acquire(ctx, endpoint)
  if not join(endpoint.place, limit) then return false end
  ctx.place = endpoint.place
  return true
end

--- A member with a place that is held from now on; nil where none has one. Does not wait.
function M.take(ctx, now)
  limit = ctx.run.config.maxConnections
  for _ = 1, #ctx.run.members do
    local member = choice.member(ctx, now, is_full)
    if not member then return nil end
    if acquire(ctx, member.endpoint) then return member end
  end
  return nil
end

-- The oldest of those that wait here is woken; or, as often as it is their turn, those of other workers find the place
-- when they look.
local function wake(pool)
  local queue = waiting[pool]
  if not queue or #queue == 0 then return end
  local all = math.max(counters:get("queue:" .. pool) or 0, #queue)
  if math.random() * all < #queue then queue[1]:post() end
end

--- Gives the request's place back.
function M.give_back(ctx)
  local key = ctx.place
  ctx.place = nil
  counters:incr(key, -1)
  counters:incr(key .. ":" .. ngx.worker.pid(), -1)
  wake(ctx.run.id)
end

-- Brings the request's pool up to date; false where it asks no endpoint any more.
local function renew(ctx)
  state.refresh()
  local run = pools.get(ctx.run.id)
  if not run or run.config.kind ~= "proxy" then return false end
  ctx.run, ctx.pool = run, run.config
  return true
end

-- Whether the request may go on before `deadline`, and the member at which it has a place, where the pool counts them.
-- Only the oldest of this worker takes one: nobody is overtaken.
local function wait_turn(ctx, queue, own, deadline)
  while true do
    local left = deadline - ngx.now()
    if left < SHORTEST then return false end
    own:wait(math.min(left, #ctx.run.members == 0 and LOOK_FOR_ENDPOINT or LOOK_AGAIN))
    if not renew(ctx) then return false end
    local run = ctx.run
    if #run.members == 0 then
      if not run.config.waitForEndpoint then return false end
    elseif not run.config.maxConnections then
      return true
    else
      local member = queue[1] == own and M.take(ctx, ngx.now())
      if member then return true, member end
    end
  end
end

local function remove(queue, own)
  for index = 1, #queue do
    if queue[index] == own then return table.remove(queue, index) end
  end
end

local function wait(ctx, size, timeout)
  local pool = ctx.run.id
  local key = "queue:" .. pool
  if not join(key, size) then return false end
  local queue = waiting[pool] or {}
  waiting[pool] = queue
  local own = semaphore.new()
  queue[#queue + 1] = own
  local ok, may_go, member = pcall(wait_turn, ctx, queue, own, ngx.now() + timeout / 1000)
  remove(queue, own)
  if #queue == 0 then waiting[pool] = nil end
  add(key, -1)
  wake(pool)
  if not ok then error(may_go, 0) end
  ctx.preset = member
  return may_go
end

-- All that wait for its first endpoint look.
pools.on_filled(function(run)
  for _, own in ipairs(waiting[run.id] or {}) do own:post() end
end)

-- In a pool with a limit.
local function enter(ctx)
  local queue = ctx.run.config.queue
  if not queue or (counters:get("queue:" .. ctx.run.id) or 0) == 0 then
    ctx.preset = M.take(ctx, ngx.now())
    if ctx.preset then return true end
  end
  return queue ~= nil and wait(ctx, queue.size, queue.timeout)
end

--- Whether a request may go on, in the access or content phase: at once, or after a wait in the pool's queue for its
--- first endpoint, or for a place at one. False: there is none; the client may come again later.
function M.enter(ctx)
  local run = ctx.run
  if #run.members == 0 then
    local queue = run.config.waitForEndpoint
    return queue ~= nil and wait(ctx, queue.size, queue.timeout)
  end
  return not run.config.maxConnections or enter(ctx)
end

-- A pool has a limit from now on: what is under way already counts.
local function adopt(run)
  for _, ctx in pairs(request.live) do
    if ctx and ctx.run == run and ctx.endpoint and not ctx.place then
      ctx.place = ctx.endpoint.place
      ctx.common = false
      add(ctx.place, 1)
    end
  end
end

pools.on_limit(adopt)

--- Takes off what dead workers held; at the start of each worker. `is_alive(pid)`.
function M.clean(is_alive)
  for _, key in ipairs(counters:get_keys(0)) do
    local sum, pid = string.match(key, "^(%l+:.*):(%d+)$")
    local kind = sum and string.match(sum, "^(%l+):")
    if (kind == "place" or kind == "queue") and not is_alive(tonumber(pid)) then
      local held = counters:get(key) or 0
      counters:delete(key)
      if held > 0 then counters:incr(sum, -held, 0) end
    end
  end
end

return M
