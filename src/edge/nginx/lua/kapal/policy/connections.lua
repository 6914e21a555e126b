-- Requests under way of one client over all workers. Each worker counts under a key of its own, so a worker that crashes takes its counts
-- with it: the sum is taken over the workers that live.

local ffi = require("ffi")

ffi.cdef([[int kill(int pid, int sig);]])

local _M = {}

local ESRCH = 3
local WORKERS = "workers"

local mine = nil

local function alive(pid)
  return ffi.C.kill(pid, 0) == 0 or ffi.errno() ~= ESRCH
end

-- Enters this worker into the list of those that count, and drops the dead from it. Two workers that start at once could lose one entry: the
-- list is read again before it is believed.
local function enter(dict)
  mine = ngx.worker.pid()
  for _ = 1, 10 do
    local pids = {}
    for pid in string.gmatch(dict:get(WORKERS) or "", "%d+") do
      if tonumber(pid) ~= mine and alive(tonumber(pid)) then pids[#pids + 1] = pid end
    end
    pids[#pids + 1] = tostring(mine)
    dict:set(WORKERS, table.concat(pids, " "))
    if string.find(" " .. (dict:get(WORKERS) or "") .. " ", " " .. mine .. " ", 1, true) then return end
  end
end

local function sum(dict, key)
  local total, found = 0, false
  for pid in string.gmatch(dict:get(WORKERS) or "", "%d+") do
    found = found or tonumber(pid) == mine
    total = total + (dict:get(key .. pid) or 0)
  end
  if not found then
    enter(dict)
    total = total + (dict:get(key .. mine) or 0)
  end
  return total
end

-- A place for one request: the key to release it by, or nil where the client has all that it may have.
function _M.hold(dict, key, most)
  if mine ~= ngx.worker.pid() then enter(dict) end
  local own = key .. mine
  if not dict:incr(own, 1, 0) then return own end
  if sum(dict, key) <= most then return own end
  _M.release(dict, own)
  return nil
end

function _M.release(dict, own)
  local left = dict:incr(own, -1)
  if left and left <= 0 then dict:delete(own) end
end

return _M
