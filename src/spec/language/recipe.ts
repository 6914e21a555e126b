import type { BuildRecipe } from '../../model/build-recipe.ts';

/** A language's recipe with a declared command in place of its steps: what it needs and sets stays, and what is to be there before. */
export function withCommand(recipe: BuildRecipe, command: string | null): BuildRecipe {
  if (command === null) return recipe;
  return { ...recipe, install: recipe.before, build: [{ title: 'Running buildCommand', command }] };
}

/** An application, and the pages that another language makes for it: the dependencies of both before anything is made, the pages first. */
export function withPages(application: BuildRecipe, pages: BuildRecipe): BuildRecipe {
  return {
    files: [...application.files, ...pages.files],
    install: [...application.install, ...pages.install],
    build: [...pages.build, ...application.build],
    before: application.before,
    requires: [...application.requires, ...pages.requires],
    path: [...application.path, ...pages.path],
    environment: { ...pages.environment, ...application.environment },
    caches: { ...pages.caches, ...application.caches },
    manager: application.manager ?? pages.manager,
  };
}
