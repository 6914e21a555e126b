-- The four ways to choose among the members of a pool that have the wanted rank. Nothing is allocated here: this runs
-- for every request.
local bit = require "bit"

local band, bxor, lshift, rshift, tobit = bit.band, bit.bxor, bit.lshift, bit.rshift, bit.tobit
local byte, log, random = string.byte, math.log, math.random

local M = {}

-- The low 32 bits of a product of which both factors have 32: in two halves, for a double holds 53.
local function multiply(a, b)
  local low, high = band(a, 0xffff), rshift(a, 16)
  return tobit(low * b + lshift(tobit(high * b), 16))
end

-- The finalizer of MurmurHash3: every bit of the input moves every bit of the answer.
local function mix(value)
  local hash = multiply(bxor(value, rshift(value, 16)), 0x85ebca6b)
  hash = multiply(bxor(hash, rshift(hash, 13)), 0xc2b2ae35)
  return bxor(hash, rshift(hash, 16))
end

--- FNV-1a, 32 bits: the same number as the embedded engine's, so a client keeps its endpoint through a change of
--- engines.
function M.hash(text)
  local hash = 0x811c9dc5
  for i = 1, #text do hash = multiply(bxor(hash, byte(text, i)), 0x01000193) end
  return mix(hash)
end

-- Smooth weighted round robin: each gains its weight, the largest is taken and pays the sum. Weights 2:1 give a b a,
-- not a a b.
local function smooth(members, rank, most)
  local best, total = nil, 0
  for i = 1, #members do
    local member = members[i]
    if member.rank == rank and (not most or member.endpoint.in_flight / member.weight <= most) then
      local current = member.current + member.weight
      member.current = current
      total = total + member.weight
      if not best or current > best.current then best = member end
    end
  end
  if best then best.current = best.current - total end
  return best
end

-- Fewest requests under way per weight; among equals by turns, or the first would take all of a quiet service.
local function least_connections(members, rank)
  local least = math.huge
  for i = 1, #members do
    local member = members[i]
    if member.rank == rank then
      local load = member.endpoint.in_flight / member.weight
      if load < least then least = load end
    end
  end
  return smooth(members, rank, least)
end

-- Rendezvous hashing with weights (highest random weight; score -w / ln u): one that comes or goes moves only its own
-- share of clients.
local function ip_hash(members, rank, client)
  local best, best_score = nil, -math.huge
  for i = 1, #members do
    local member = members[i]
    if member.rank == rank then
      local uniform = (mix(bxor(client, member.hash)) % 4294967296 + 1) / 4294967297
      local score = -member.weight / log(uniform)
      if score > best_score then best, best_score = member, score end
    end
  end
  return best
end

-- One drawn by weight, `at` in [0, sum of the weights). Sums of fractions may end a hair above zero: then it is the
-- last.
local function draw(members, rank, except, at)
  local last
  for i = 1, #members do
    local member = members[i]
    if member.rank == rank and member ~= except then
      last = member
      at = at - member.weight
      if at < 0 then break end
    end
  end
  return last
end

local function load(member)
  return member.endpoint.in_flight / member.weight
end

-- Two different ones drawn by weight, of which the one with fewer requests under way per weight is taken: nearly as
-- even as least connections, and several workers that each see only their own requests do not all run to the same
-- endpoint.
local function random_two(members, rank)
  local total = 0
  for i = 1, #members do
    if members[i].rank == rank then total = total + members[i].weight end
  end
  local first = draw(members, rank, nil, random() * total)
  if not first then return nil end
  local second = draw(members, rank, first, random() * (total - first.weight))
  if second and load(second) < load(first) then return second end
  return first
end

--- A member of the rank by the pool's balance, nil where there is none. `client`: function that gives the hash of the
--- client's address.
function M.member(balance, members, rank, client)
  if balance == "round-robin" then return smooth(members, rank) end
  if balance == "least-connections" then return least_connections(members, rank) end
  if balance == "ip-hash" then return ip_hash(members, rank, client()) end
  return random_two(members, rank)
end

return M
