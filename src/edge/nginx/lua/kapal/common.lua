-- The tables of common requests: begun by the balancer, and ended without a step in Lua. Each holds a latch, a spin lock
-- of the C library, which nginx itself opens when it frees the request, for that is how nginx cleans up: it calls a
-- function with an address (ngx_http_cleanup_add, src/http/ngx_http_request.c). Who wants to know what is under way has
-- the latches looked at first (M.collect). A step of its own at the end would cost a twentieth of a small request.
local ffi = require "ffi"
local endpoints = require "kapal.endpoint"
local gates = require "kapal.gate"
local memory = require "kapal.memory"
local request = require "kapal.request"

ffi.cdef [[
typedef struct { intptr_t handler; volatile int *data; void *next; } kapal_cleanup_t;
kapal_cleanup_t *ngx_http_cleanup_add(void *request, size_t size);
int pthread_spin_init(volatile int *latch, int shared);
int pthread_spin_lock(volatile int *latch);
int pthread_spin_unlock(volatile int *latch);
]]

local C = ffi.C
local ngx_now = ngx.now
local enter, live = request.enter, request.live

local M = {}

-- Common requests at once; more are looked at from the beginning. The last latch is for trials.
local MOST = 4096
local TRIAL = MOST
-- Requests that begin between two looks at the latches, or as many as are under way: few, so that the same tables are used
-- again while the processor has them at hand.
local FEW = 32

local latches
local held, open
-- Where the function that opens them is.
local opener

-- By latch; the latches of those under way, or not looked at since; and those that wait for the next use.
local tables = {}
local running, count = {}, 0
local begun = 0
local idle, idles, made = {}, 0, 0
local enough = FEW

--- Whether latches work here: seen in requests of this worker (M.try).
M.ready = false

local function find_opener()
  opener = tonumber(ffi.cast("intptr_t", ffi.cast("void *", C.pthread_spin_unlock)))
  return C.ngx_http_cleanup_add ~= nil
end

--- At the start of a worker.
function M.prepare()
  local found, why = pcall(find_opener)
  local place = memory.keep((MOST + 1) * 4)
  if not found or not place then
    return ngx.log(ngx.ERR, "no request is common: ", found and "no memory" or why)
  end
  latches = ffi.cast("volatile int *", place)
  for index = 0, MOST do C.pthread_spin_init(latches + index, 0) end
  open = latches[TRIAL]
  C.pthread_spin_lock(latches + TRIAL)
  held = latches[TRIAL]
end

local function hang(this, index)
  local cleanup = C.ngx_http_cleanup_add(this, 0)
  if cleanup == nil then return false end
  latches[index] = held
  cleanup.data = latches + index
  cleanup.handler = opener
  return true
end

-- In which a latch held until the end and was open then; several, for one could be chance.
local ENOUGH_TRIALS = 3
local trials = 0
local trying

--- Hangs a latch on a request that is looked at closely anyway, to see whether nginx opens it when it should.
function M.try(this, ctx)
  if M.ready or trying or not held or held == open then return end
  trying = hang(this, TRIAL) and ctx or nil
end

--- Such a request is going on (`over` false), or has ended.
function M.tried(ctx, over)
  if ctx ~= trying then return end
  local as_it_should = (latches[TRIAL] == open) == over
  if as_it_should and not over then return end
  trying = nil
  if as_it_should then
    trials = trials + 1
    M.ready = trials >= ENOUGH_TRIALS
  else
    held = nil
    ngx.log(ngx.ERR, "no request is common: nginx does not clean up as it should")
  end
end

-- An answer that came at once ends what was waited for. Of one that a look found silent nobody knows whether it was
-- answered in the end; most are, not before that look.
local function finish(ctx, now)
  local endpoint = ctx.endpoint
  if live[ctx.address] == ctx then live[ctx.address] = false end
  if endpoint then
    if ctx.waiting then
      local gate = endpoint.gate
      if ctx.was_silent then
        gates.answered(gate, ctx.was_silent - ctx.asked)
      else
        endpoints.heard(endpoint, now)
        gate.prompt = gate.prompt + 1
        ctx.waiting = false
      end
    end
    endpoints.leave(endpoint, ctx.waiting)
  end
  if ctx.cut then ctx.cut, ctx.status = nil, nil end
  idles = idles + 1
  idle[idles] = ctx
end

--- Takes those that are over off their endpoints.
function M.collect()
  local now, kept = ngx_now(), 0
  for index = 1, count do
    local latch = running[index]
    if latches[latch] == held then
      kept = kept + 1
      running[kept] = latch
    else
      finish(tables[latch], now)
    end
  end
  count = kept
  enough = kept + (kept > FEW and kept or FEW)
end

--- Common requests since the start of this worker.
function M.begun()
  return begun
end

--- Whether a common request is over: its address may be another's by now.
function M.is_over(ctx)
  return latches[ctx.latch] ~= held
end

local function make()
  if made >= MOST then return nil end
  local ctx = { quick = true, idempotent = true, attempts = 1, latch = made }
  tables[made] = ctx
  made = made + 1
  return ctx
end

local function next_idle()
  if count >= enough then M.collect() end
  if idles == 0 then return make() end
  local ctx = idle[idles]
  idles = idles - 1
  return ctx
end

--- Begins the table of a common request, by nginx's own request and its key; nil where there are too many. Each sets the
--- same fields, so that nothing has to be cleared.
function M.begin(this, key)
  local ctx = next_idle()
  if not ctx then return nil end
  if not hang(this, ctx.latch) then
    idles = idles + 1
    idle[idles] = ctx
    return nil
  end
  count, begun = count + 1, begun + 1
  running[count] = ctx.latch
  ctx.waiting, ctx.was_silent = true, false
  return enter(key, ctx)
end

return M
