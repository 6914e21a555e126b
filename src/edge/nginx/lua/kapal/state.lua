-- What the edge serves, as it lies in the shared dictionary `kapal`: flat entries of JSON text, written by the control
-- socket (or from the snapshot at start), read by every worker through a cache of parsed objects.
--
--   route:HOST pool:ID policy:ID challenge:HOST/TOKEN     of the route table, at `version`
--   cert:NAME acme:NAME pem:ID                            of the certificates, at `certificates`
--   generation                                            grows with every change of either; written last, so that
--                                                         who sees it sees the entries
--   changes:GENERATION                                    the keys that changed, one per line, or "*" for too many
local cjson = require "cjson.safe"

local dict = ngx.shared.kapal
local sub, find, gmatch = string.sub, string.find, string.gmatch

local M = {}

M.dict = dict
-- How far a worker may be behind before it forgets all that it has parsed.
M.CHANGES_KEPT = 64

local generation
local cache = {}
local listeners = {}

--- Calls `listener(key)` in this worker when the entry has changed, `listener(nil)` when all may have.
function M.on_change(listener)
  listeners[#listeners + 1] = listener
end

local function forget(key)
  cache[key] = nil
  for i = 1, #listeners do listeners[i](key) end
end

local function forget_all()
  cache = {}
  for i = 1, #listeners do listeners[i](nil) end
end

local function catch_up(now)
  local from = generation
  generation = now
  if not from or now - from > M.CHANGES_KEPT or now < from then return forget_all() end
  for number = from + 1, now do
    local keys = dict:get("changes:" .. number)
    if not keys or keys == "*" then return forget_all() end
    for key in gmatch(keys, "[^\n]+") do forget(key) end
  end
end

--- Makes what this worker has parsed as new as the dictionary. One look at the dictionary where nothing has changed.
function M.refresh()
  local now = dict:get("generation") or 0
  if now ~= generation then catch_up(now) end
end

--- Version of the table and of the certificates that the dictionary holds; 0 before the first.
function M.versions()
  return dict:get("version") or 0, dict:get("certificates") or 0
end

--- The entry's parsed JSON, nil where there is none. Cached until it changes: nobody may write to it.
function M.get(key)
  local value = cache[key]
  if value ~= nil then return value or nil end
  local text = dict:get(key)
  if not text then return nil end
  local parsed, why = cjson.decode(text)
  if parsed == nil then
    ngx.log(ngx.ERR, "entry ", sub(key, 1, 100), " is not JSON: ", why)
    return nil
  end
  cache[key] = parsed
  return parsed
end

--- Number of challenges that authorities may ask for; 0 nearly always, so that no request looks for one.
local challenges
M.on_change(function(key)
  if not key or find(key, "challenge:", 1, true) == 1 then challenges = nil end
end)

function M.has_challenges()
  if challenges == nil then challenges = (dict:get("challenges") or 0) > 0 end
  return challenges
end

return M
