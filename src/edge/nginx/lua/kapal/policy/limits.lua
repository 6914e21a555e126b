-- Rate limits over all workers: the generic cell rate algorithm (GCRA, ITU-T I.371), one number for each client in shared memory: the moment
-- at which its bucket will be full again. A request that is let in moves that moment on by 1/rate; it is let in when the moment is no more
-- than `burst` requests ahead. Clients that stay away are forgotten by the dictionary, the longest unseen first.

local _M = {}

local ceil, max = math.ceil, math.max

-- Whether the bucket has room; the second value is how many seconds until it has.
local function look(limit, at, now)
  local ahead = at - now + limit.interval - limit.depth
  -- A ten-thousandth of a second for what floating point loses.
  return ahead <= 1e-4, ahead
end

-- Takes one request out of the bucket. Two workers may meet here: what was counted beyond the depth is given back.
local function take(dict, limit, key, now)
  local at = dict:get(key)
  if at and at < now then
    -- Full for a while: it begins anew. `incr` with a beginning is one step, also where another worker was faster.
    dict:delete(key)
  end
  local after = dict:incr(key, limit.interval, now)
  if not after then return true end
  local over = after - now - limit.depth
  if over <= 1e-4 then return true end
  dict:incr(key, -limit.interval)
  return false, over
end

local function giveBack(dict, limits, keys, count)
  for i = 1, count do dict:incr(keys[i], -limits[i].interval) end
end

-- nil where all limits let the request in; else after how many whole seconds it may come again. `keys`: of the client in each limit. A request
-- that one of them refuses costs nothing at the others.
function _M.admit(dict, limits, keys)
  local now = ngx.now()
  for i = 1, #limits do
    local at = dict:get(keys[i])
    if at then
      local room, wait = look(limits[i], max(at, now), now)
      if not room then return max(1, ceil(wait)) end
    end
  end
  for i = 1, #limits do
    local taken, wait = take(dict, limits[i], keys[i], now)
    if not taken then
      giveBack(dict, limits, keys, i - 1)
      return max(1, ceil(wait))
    end
  end
  return nil
end

return _M
