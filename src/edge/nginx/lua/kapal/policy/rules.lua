-- Redirects, rewrites, and fields of answers by path.

local pages = require("kapal.pages")
local patterns = require("kapal.policy.patterns")
local find, sub = string.find, string.sub

local _M = {}

function _M.compile(declared)
  local made = {}
  for _, rule in ipairs(declared) do
    local source = patterns.source(rule.source)
    if source then
      made[#made + 1] = {
        kind = rule.kind,
        status = rule.status,
        source = source,
        destination = patterns.destination(rule.destination),
      }
    end
  end
  return #made > 0 and made or nil
end

-- The path as the client sent it, in parts; and its query with the `?`.
local function sent()
  local target = ngx.var.request_uri
  local query = find(target, "?", 1, true)
  return patterns.parts(query and sub(target, 1, query - 1) or target), query and sub(target, query) or ""
end

-- Where the first rule that matches leads the request: the rule and its target; nil where none does.
function _M.lead(compiled)
  local parts, query = sent()
  if not parts then return nil end
  for index = 1, #compiled do
    local rule = compiled[index]
    local captures = patterns.match(rule.source, parts)
    if captures then return rule, patterns.expand(rule.destination, captures, query) end
  end
  return nil
end

-- True where a redirect has answered; a rewrite sets `ctx.target` and lets the request go on.
function _M.apply(compiled, ctx)
  local rule, target = _M.lead(compiled)
  if not rule then return false end
  if rule.kind == "redirect" then return pages.redirect(rule.status, target) or true end
  ctx.target = target
  return false
end

-- The target as it was sent, without the segments of the route's path.
function _M.stripped(prefix)
  local parts, query = sent()
  if not parts then return ngx.var.request_uri end
  local _, count = string.gsub(prefix, "/[^/]+", "")
  return patterns.stripped(parts, count, query)
end

function _M.compileFields(changes)
  local made = {}
  for index, change in ipairs(changes) do
    made[index] = {
      name = change.name,
      value = type(change.value) == "string" and change.value or nil,
      source = change.path and patterns.source(change.path),
      everywhere = change.path == nil,
    }
  end
  return made
end

-- Sets and removes fields of the answer that is about to go out.
function _M.changeAnswer(made, ctx)
  local parts = nil
  for index = 1, #made do
    local change = made[index]
    local applies = change.everywhere
    if not applies and change.source then
      if parts == nil then parts = sent() or false end
      applies = parts and patterns.match(change.source, parts) ~= nil
    end
    if applies then ngx.header[change.name] = change.value == "" and " " or change.value end
  end
end

return _M
