mod planned;
mod stepped;
