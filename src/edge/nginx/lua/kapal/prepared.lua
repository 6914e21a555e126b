-- What nginx.conf holds ready, as it says itself (src/edge/nginx/config): sizes for bodies whose length is not told, and
-- how many blocks there are for upstreams over TLS.
local gmatch, match = string.gmatch, string.match

local M = {}

local UNITS = { k = 2 ^ 10, m = 2 ^ 20, g = 2 ^ 30 }

local sizes = {}

local function parsed(text)
  local list = {}
  for name in gmatch(text, "%S+") do
    local number, unit = match(name, "^(%d+)(%l)$")
    list[#list + 1] = { bytes = tonumber(number) * UNITS[unit], name = name }
  end
  return list
end

--- Told once, in the master: `sizes` and `verified_sizes` as nginx writes them, growing, parted by blanks; the ports
--- of the listeners (no `https_port`: no HTTPS).
function M.declare(told)
  M.http_port, M.https_port = told.http_port, told.https_port
  M.tls_upstreams = told.tls_upstreams
  sizes.plain = parsed(told.sizes)
  sizes.tls = sizes.plain
  sizes.verified = parsed(told.verified_sizes)
end

--- The name of the smallest size that is not below a limit; `any` where the limit is above all. `way`: how the endpoint
--- is spoken to, as the location is called.
function M.size_for(way, limit)
  local list = sizes[way]
  for i = 1, #list do
    if list[i].bytes >= limit then return list[i].name end
  end
  return "any"
end

return M
