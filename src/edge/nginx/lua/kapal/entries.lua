-- Changes the dictionary's entries: whole or not at all.
local state = require "kapal.state"
local cjson = require "cjson.safe"

local dict = state.dict
local match = string.match

local M = {}

-- Which kinds a counter covers. In the order in which they are written: what is named comes before what names it.
local KINDS = {
  version = { "pool", "policy", "challenge", "route" },
  certificates = { "pem", "cert", "acme" },
}
-- Bytes of one change's list of keys; a longer one says that everything may have changed.
local LONGEST_LIST = 65536
-- Seconds after which a worker that died while it changed entries stands in nobody's way.
local LOCK_TIME = 5

local function kind_of(key)
  return match(key, "^(%l+):")
end

local function is_kind(counter, kind)
  for _, known in ipairs(KINDS[counter]) do
    if known == kind then return true end
  end
  return false
end

--- Keys of all entries that a counter covers. Walks the dictionary: for a replacement of everything, and for people.
function M.keys(counter)
  local found = {}
  for _, key in ipairs(dict:get_keys(0)) do
    if is_kind(counter, kind_of(key)) then found[#found + 1] = key end
  end
  return found
end

local function unknown(key)
  return "entry " .. tostring(key) .. " is of no known kind"
end

-- The keys to set, what is named first, then the keys to delete.
local function plan(counter, change)
  local by_kind, sets, deletes = {}, {}, {}
  for key, text in pairs(change.set or {}) do
    local kind = kind_of(key)
    if not is_kind(counter, kind) or type(text) ~= "string" then return nil, unknown(key) end
    if dict:get(key) ~= text then
      by_kind[kind] = by_kind[kind] or {}
      table.insert(by_kind[kind], key)
    end
  end
  for _, kind in ipairs(KINDS[counter]) do
    for _, key in ipairs(by_kind[kind] or {}) do sets[#sets + 1] = key end
  end
  local gone = change.delete or {}
  if change.base == cjson.null then
    gone = {}
    for _, key in ipairs(M.keys(counter)) do
      if not change.set[key] then gone[#gone + 1] = key end
    end
  end
  for _, key in ipairs(gone) do
    if not is_kind(counter, kind_of(key)) then return nil, unknown(key) end
    if dict:get(key) ~= nil then deletes[#deletes + 1] = key end
  end
  return sets, deletes
end

-- Puts back what was there. First all that is new goes, so that there is room again for what it had replaced.
local function undo(done)
  for _, step in ipairs(done) do dict:delete(step.key) end
  for _, step in ipairs(done) do
    if step.before ~= nil then dict:set(step.key, step.before) end
  end
end

local function put(done, key, value)
  local before = dict:get(key)
  done[#done + 1] = { key = key, before = before }
  return dict:safe_set(key, value)
end

local function write_all(sets, deletes, change, counter)
  local done, changed, added = {}, {}, 0
  for _, key in ipairs(sets) do
    if kind_of(key) == "challenge" and dict:get(key) == nil then added = added + 1 end
    changed[#changed + 1] = key
    local ok, why = put(done, key, change.set[key])
    if not ok then return done, why end
  end
  for _, key in ipairs(deletes) do
    if kind_of(key) == "challenge" then added = added - 1 end
    changed[#changed + 1] = key
    done[#done + 1] = { key = key, before = dict:get(key) }
    dict:delete(key)
  end
  local generation = (dict:get("generation") or 0) + 1
  local list = table.concat(changed, "\n")
  if #list > LONGEST_LIST then list = "*" end
  dict:delete("changes:" .. (generation - state.CHANGES_KEPT - 1))
  local last = {
    { "changes:" .. generation, list },
    { "challenges", (dict:get("challenges") or 0) + added },
    { counter, change.version },
    { "generation", generation },
  }
  for _, pair in ipairs(last) do
    local ok, why = put(done, pair[1], pair[2])
    if not ok then return done, why end
  end
  return nil
end

local function lock()
  for _ = 1, 200 do
    if dict:safe_add("lock", ngx.worker.pid(), LOCK_TIME) then return true end
    if ngx.get_phase() == "init" then return true end
    ngx.sleep(0.01)
  end
  return false
end

local function change_locked(counter, change)
  local held = dict:get(counter) or 0
  if change.base ~= cjson.null and change.base ~= held then return 409, held end
  if change.version < held then return 200, held end
  local sets, deletes = plan(counter, change)
  if not sets then return 400, deletes end
  local done, why = write_all(sets, deletes, change, counter)
  if not done then return 200, change.version end
  undo(done)
  ngx.log(ngx.ERR, "the dictionary does not take version ", change.version, " of ", counter, ": ", why)
  return 507, held
end

--- Changes the entries of one counter (`version` or `certificates`): `{base, version, set, delete}`, `base` null for a
--- replacement of all of them. Answers an HTTP status and the version that is held afterwards (400: the reason): 200
--- taken, or older than what is held; 409 another base; 507 no room, nothing changed; 503 another change does not end.
function M.change(counter, change)
  if type(change) ~= "table" or type(change.version) ~= "number" or change.base == nil then
    return 400, "version and base are wanted"
  end
  if change.base == cjson.null and type(change.set) ~= "table" then return 400, "set is wanted" end
  if not lock() then return 503, dict:get(counter) or 0 end
  local ok, status, held = pcall(change_locked, counter, change)
  dict:delete("lock")
  if ok then return status, held end
  ngx.log(ngx.ERR, "a change of ", counter, " failed: ", status)
  return 500, dict:get(counter) or 0
end

return M
