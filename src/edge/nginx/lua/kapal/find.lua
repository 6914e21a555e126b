-- Host and path to a route.
local state = require "kapal.state"

local byte, find, sub = string.byte, string.find, string.sub

local M = {}

-- By host: its own routes and those of the wildcard above it, or false. Random names must not fill the memory.
local hosts, known = {}, 0
local MOST_KNOWN = 16384

state.on_change(function(key)
  if key and sub(key, 1, 6) ~= "route:" then return end
  -- A wildcard's routes lie under names of which only the requests know.
  if not key or byte(key, 7) == 0x2a then
    hosts, known = {}, 0
  else
    hosts[sub(key, 7)] = nil
  end
end)

local function look_up(host)
  local dot = find(host, ".", 1, true)
  local exact = state.get("route:" .. host)
  local wildcard = dot and dot > 1 and state.get("route:*" .. sub(host, dot)) or nil
  if not exact and not wildcard then return false end
  return { exact = exact, wildcard = wildcard }
end

-- The first of the routes, longest first, whose path is the request's or ends at one of its slashes.
local function longest(routes, path)
  local first = routes[1]
  if first.path == "" then return first end
  for i = 1, #routes do
    local route = routes[i]
    local prefix = route.path
    local length = #prefix
    if length == 0 then return route end
    if sub(path, 1, length) == prefix and (#path == length or byte(path, length + 1) == 0x2f) then return route end
  end
  return nil
end

--- The route of a host (as routes name hosts) and a decoded, resolved path; nil where there is none. Exact hosts come
--- before wildcards.
function M.find(host, path)
  local routes = hosts[host]
  if routes == nil then
    if known >= MOST_KNOWN then hosts, known = {}, 0 end
    routes = look_up(host)
    hosts[host] = routes
    known = known + 1
  end
  if not routes then return nil end
  local exact = routes.exact
  local found = exact and longest(exact, path)
  if found then return found end
  local wildcard = routes.wildcard
  return wildcard and longest(wildcard, path) or nil
end

return M
