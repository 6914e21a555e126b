-- Workers look after each other: one that hangs keeps its listening socket, in which connections wait for ever. The
-- daemon sees that sooner (src/edge/nginx/driver.ts); this holds while there is none.
local ffi = require "ffi"
local report = require "kapal.report"

ffi.cdef [[
int kill(int pid, int signal);
int getppid(void);
]]

local C = ffi.C
local counters = ngx.shared.kapal_counters

local M = {}

local SIGKILL = 9
-- Seconds between two signs of life, between two looks at the others, and without a sign after which a worker is hung:
-- nothing that a worker does takes a tenth of that.
local PERIOD, LOOK, HUNG = 1, 5, 15

local own, master
local last, looked = 0, 0
-- Since when this worker itself has moved without a pause: after one of the whole machine everybody seems hung.
local steady = 0

local function key_of(pid)
  return "pulse:" .. pid
end

--- At the start of a worker.
function M.begin()
  own, master = ngx.worker.pid(), C.getppid()
  steady = ngx.now()
  last, looked = steady, steady
  -- One that had this pid before may have left a sign of its own.
  counters:safe_set(key_of(own), steady)
end

-- Only while the master lives: it gives back the locks of shared memory that a killed worker held, and starts another.
local function look(now)
  if C.getppid() ~= master then return end
  for _, key in ipairs(counters:get_keys(0)) do
    local pid = tonumber(string.match(key, "^pulse:(%d+)$"))
    if pid and pid ~= own then
      local quiet = now - (counters:get(key) or now)
      if not report.is_sibling(pid, master) then
        counters:delete(key)
      elseif quiet >= HUNG then
        ngx.log(ngx.ERR, "worker ", pid, " has not moved for ", math.floor(quiet), " s and is killed")
        C.kill(pid, SIGKILL)
      end
    end
  end
end

--- In each beat.
function M.beat(now)
  if now - last < PERIOD then return end
  if now - last > 3 * PERIOD then steady = now end
  last = now
  counters:safe_set(key_of(own), now)
  if now - steady < HUNG or now - looked < LOOK then return end
  looked = now
  look(now)
end

--- A worker that leaves has no beat any more.
function M.stop()
  counters:delete(key_of(own))
end

return M
