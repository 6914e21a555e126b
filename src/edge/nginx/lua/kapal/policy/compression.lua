-- Which answers are sent with gzip: decided here, for nginx knows neither families of types (`+json`) nor `*` in Accept-Encoding. nginx's filter comes after
-- header_filter_by_lua and looks at the request's Accept-Encoding: that is what says yes or no to it. Needs `gzip on; gzip_types *; gzip_proxied any;`.

local kinds = require("kapal.static.kinds")
local lower, match = string.lower, string.match

local _M = {}

local LEAST = 1024
local compressible =
  [[^(?:text/(?!event-stream\b)[\w.+-]+|application/(?:json|javascript|x-javascript|ecmascript|xml|xhtml\+xml|wasm|manifest\+json|[\w.-]+\+(?:json|xml))|image/svg\+xml)$]]

-- Those that nginx's filter codes.
local coded = { [200] = true, [403] = true, [404] = true }

local function joined(value)
  return type(value) == "table" and table.concat(value, ", ") or value
end

local function isCompressible(header)
  local length = tonumber(header["Content-Length"] or LEAST)
  if not coded[ngx.status] or (length and length < LEAST) then return false end
  local type = match(lower(joined(header["Content-Type"]) or ""), "^%s*([^;%s]*)")
  if not ngx.re.find(type, compressible, "jo") then return false end
  if header["Content-Encoding"] or header["Content-Range"] then return false end
  return not ngx.re.find(joined(header["Cache-Control"]) or "", [[(?:^|,)\s*no-transform\s*(?:,|$)]], "joi")
end

-- In header_filter_by_lua of a location with gzip. Vary is there also for clients that do not take gzip, or a cache would give them what others got.
function _M.decide()
  local header = ngx.header
  if not isCompressible(header) then return ngx.req.clear_header("Accept-Encoding") end
  local vary = joined(header["Vary"])
  if not vary then
    header["Vary"] = "Accept-Encoding"
  elseif not ngx.re.find(vary, [[(?:^|,)\s*(?:\*|accept-encoding)\s*(?:,|$)]], "joi") then
    header["Vary"] = vary .. ", Accept-Encoding"
  end
  if kinds.accepts(joined(ngx.req.get_headers(0)["accept-encoding"]), "gzip") then
    ngx.req.set_header("Accept-Encoding", "gzip")
  else
    ngx.req.clear_header("Accept-Encoding")
  end
end

return _M
