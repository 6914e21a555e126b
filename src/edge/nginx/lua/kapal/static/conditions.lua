-- Conditions and ranges of requests for files (RFC 9110 13 and 14): decided here and not by nginx, whose order of conditions is its own.

local find, gmatch, match, sub = string.find, string.gmatch, string.match, string.sub

local _M = {}

-- Seconds since the epoch of an IMF-fixdate, nil for what is none. ngx.parse_http_time also takes the obsolete forms.
local function parseDate(field)
  if not field or not find(field, "^%u%l%l, %d%d %u%l%l %d%d%d%d %d%d:%d%d:%d%d GMT$") then return nil end
  return ngx.parse_http_time(field)
end

-- RFC 9110 8.8.3.2; a weak tag of the request matches only where `weak`.
local function matches(field, etag, weak)
  if match(field, "^%s*%*%s*$") then return true end
  for tag in gmatch(field, '"[^"]*"') do
    if tag == etag then
      -- The strong form of it stands there, not only W/"...".
      if weak then return true end
      local at = 1
      while true do
        local first, last = find(field, tag, at, true)
        if not first then break end
        if sub(field, first - 2, first - 1) ~= "W/" then return true end
        at = last + 1
      end
    end
  end
  return false
end

-- "proceed", "not-modified" or "failed", in the order of RFC 9110 13.2.2. `fields`: by lower-case name.
function _M.evaluate(fields, file)
  local ifMatch = fields["if-match"]
  if ifMatch then
    if not matches(ifMatch, file.etag, false) then return "failed" end
  else
    local date = parseDate(fields["if-unmodified-since"])
    if date and file.modified > date then return "failed" end
  end
  local noneMatch = fields["if-none-match"]
  if noneMatch then return matches(noneMatch, file.etag, true) and "not-modified" or "proceed" end
  local since = parseDate(fields["if-modified-since"])
  return since and file.modified <= since and "not-modified" or "proceed"
end

-- Whether a Range still means the file that the client has a part of (RFC 9110 13.1.5): exact date or strong tag.
local function rangeApplies(fields, file)
  local field = fields["if-range"]
  if not field then return true end
  if sub(field, 1, 1) == '"' then return field == file.etag end
  return parseDate(field) == file.modified
end

local function suffix(length, size)
  if length == 0 or size == 0 then return "unsatisfiable" end
  return "part", math.max(0, size - length), size - 1
end

-- "whole": no range, several, or a unit that is not bytes; "unsatisfiable": answer 416; "part" with its first and last byte.
function _M.range(fields, file)
  local field = fields["range"]
  if not field or not rangeApplies(fields, file) then return "whole" end
  local first, last = match(field, "^[bB][yY][tT][eE][sS]=%s*(%d*)%-(%d*)%s*$")
  if not first or (first == "" and last == "") then return "whole" end
  if first == "" then return suffix(tonumber(last), file.size) end
  local from, to = tonumber(first), tonumber(last)
  if to and to < from then return "whole" end
  if from >= file.size then return "unsatisfiable" end
  return "part", from, math.min(to or file.size, file.size - 1)
end

return _M
